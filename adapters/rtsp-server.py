"""An RTSP server for the tests: GStreamer's own, on a free port of this machine, which it prints.

rtsp://127.0.0.1:PORT/cam shows a moving ball or, with --file, plays an MP4 of H.264 once for each client.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1"

options = argparse.ArgumentParser()
options.add_argument("--port", default="0")
options.add_argument("--file", help="an MP4 of H.264")
options.add_argument("--user")
options.add_argument("--password")
options.add_argument("--digest", action="store_true", help="asks for the digest scheme, else for the basic one")
options.add_argument("--certificate", help="PEM of certificate and key; the server then speaks TLS")
given = options.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(given.port)

factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(given.file is None)
factory.set_launch(
    f'( filesrc location="{given.file}" ! qtdemux ! rtph264pay name=pay0 pt=96 config-interval=-1 )'
    if given.file
    else f"( {BALL} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)

if given.user or given.certificate:
    access = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    factory.add_role_from_structure(
        Gst.Structure.new_from_string("viewer, media.factory.access=true, media.factory.construct=true")
    )
    if given.certificate:
        access.set_tls_certificate(Gio.TlsCertificate.new_from_file(given.certificate))
    if given.user is None:
        access.set_default_token(token)
    elif given.digest:
        access.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        access.add_digest(given.user, given.password, token)
    else:
        access.add_basic(GstRtspServer.RTSPAuth.make_basic(given.user, given.password), token)
    server.set_auth(access)

server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
