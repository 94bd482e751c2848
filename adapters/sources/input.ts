import { resolve } from "node:path";
import { CameraError } from "../../operators/types.js";
import { nameOf, SCHEMES, type Source, type Stream } from "./source.js";

/** Container formats of files, by the names of ffmpeg's demuxers; without a list ffmpeg decodes a text file as video. */
export const FILE_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,mjpeg,h264,hevc,ivf";

/** What comes over HTTP: playlists, cameras that send one JPEG after the other, and recordings. */
export const HTTP_FORMATS = "hls,mpjpeg,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,flv";

/** What ffmpeg draws where a test picture is wanted: fixed, because a filter's text could read files. */
const TEST_PICTURE = "testsrc2=size=640x360:rate=25";

/** Frames a second of a folder of pictures, where nothing is said: what ffmpeg takes them for. */
const PICTURES_RATE = 25;

/** ffmpeg's input: options and what stands behind `-i`. */
export interface Input {
	readonly options: readonly string[];
	readonly from: string;
	/** The folder that ffmpeg is run in, where `from` is relative to one. */
	readonly folder?: string;
}

/**
 * How ffmpeg is told to read a source. Each kind may open what belongs to it and nothing else: a file no network, a
 * stream no file. What the user wrote stands behind `-i` alone.
 * @throws {CameraError} when a URL or a device is not one
 */
export function inputOf(source: Source, fps: number | undefined): Input {
	switch (source.kind) {
		case "file": {
			const options = [...only("file,pipe", FILE_FORMATS), ...paced(source.pace), ...(source.loop ? STREAM_LOOP : [])];
			return { options, from: `file:${resolve(source.file)}` };
		}
		case "pictures": {
			const sequence = ["-f", "image2", "-pattern_type", "glob", "-framerate", String(fps ?? PICTURES_RATE)];
			const loop = source.loop ? ["-loop", "1"] : [];
			const options = [...only("file", "image2"), ...sequence, ...paced(source.pace), ...loop];
			// Relative to its folder, whose name might hold characters that mean something in a pattern.
			return { options, from: `./${source.pattern}`, folder: resolve(source.file) };
		}
		case "stream":
			return stream(source);
		case "device":
			if (!/^\/dev\/(?!.*\.\.)[\w/.-]+$/.test(source.device)) {
				throw new CameraError("unreadable", `${JSON.stringify(source.device)} is not a device such as /dev/video0`);
			}
			return { options: [...only("file", "video4linux2,v4l2"), "-f", "v4l2"], from: source.device };
		case "test":
			return { options: [...only("file", "lavfi"), "-re", "-f", "lavfi"], from: TEST_PICTURE };
	}
}

const STREAM_LOOP = ["-stream_loop", "-1"];

const paced = (pace: "fast" | "realtime") => (pace === "realtime" ? ["-re"] : []);

const only = (protocols: string, formats: string) => [
	...["-protocol_whitelist", protocols],
	...["-format_whitelist", formats],
];

function stream(source: Stream): Input {
	const { url, pace, verify } = source;
	const scheme = schemeOf(url);
	if (scheme === undefined) {
		throw new CameraError("unreadable", `${nameOf(source)} is not a stream: expected ${SCHEMES.join("://, ")}://`);
	}
	switch (scheme) {
		case "rtsp":
			return { options: [...only("tcp", "rtsp"), "-rtsp_transport", "tcp"], from: url };
		case "rtsps":
			return { options: [...only("tls,tcp", "rtsp"), "-rtsp_transport", "tcp"], from: url };
		case "http":
		case "https": {
			// A server may redirect from one scheme to the other, and a playlist's segments may be encrypted.
			const open = only("http,https,tls,tcp,httpproxy,crypto", HTTP_FORMATS);
			const trust = scheme === "https" && verify ? ["-tls_verify", "1"] : [];
			return { options: [...open, ...trust, ...paced(pace)], from: url };
		}
	}
}

/** The scheme of a well-formed URL without spaces or control characters. */
function schemeOf(url: string): (typeof SCHEMES)[number] | undefined {
	if (/[\s\p{Cc}]/u.test(url) || !URL.canParse(url)) return undefined;
	const { protocol, hostname } = new URL(url);
	return hostname === "" ? undefined : SCHEMES.find((scheme) => `${scheme}:` === protocol);
}
