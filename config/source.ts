import { z } from "zod";
import { path, text } from "./values.js";

const URL_OF_STREAM =
	"expected a URL such as rtsp://user:password@camera/1 — in a password write %40 for @, %2F for / and %23 for #";

const isStream = (value: string) => /^(rtsps?|https?):\/\//i.test(value);

const isUrl = (value: string) => isStream(value) && !/[\s\p{Cc}]/u.test(value) && URL.canParse(value);

const DEVICE = "expected a camera's device such as /dev/video0";

const isDevice = (value: string) => /^\/dev\/(?!.*\.\.)[\w/.-]+$/.test(value);

const FILE = "expected the path of a video file or of a folder of pictures";

function file() {
	return path(FILE)
		.refine((value) => !/^file:\/\//i.test(value), { error: "a path is wanted, not a URL — leave out file://" })
		.refine((value) => !/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(value), {
			error: "expected a path, or a URL with rtsp, rtsps, http, https or v4l2",
		});
}

const pace = z.enum(["fast", "realtime"]);

/** A source written as one text: a URL, `v4l2://` and a device, `test:` or a path. */
const short = text(FILE, 4096).transform((value, context) => {
	const url = /^v4l2:\/\//i.test(value) ? { device: value.slice("v4l2://".length) } : { url: value };
	if (value === "test:") return { kind: "test" } as const;
	const given = isStream(value) || "device" in url ? url : { file: value };
	const parsed = form.safeParse(given);
	if (parsed.success) return parsed.data;
	for (const { message } of parsed.error.issues) context.addIssue({ code: "custom", message });
	return z.NEVER;
});

const form = z
	.strictObject({
		file: file()
			.exactOptional()
			.describe(
				"A video file, or a folder of pictures in the order of their names, relative to this YAML file's folder.",
			),
		url: text(URL_OF_STREAM, 4096)
			.refine(isUrl, { error: URL_OF_STREAM })
			.exactOptional()
			.describe("An rtsp, rtsps, http or https URL: a camera, an HLS playlist, MJPEG or a recording on a server.")
			.meta({ examples: ["rtsp://{ACCLIMATE_USER}:{ACCLIMATE_PASSWORD}@192.0.2.7/stream1"] }),
		device: text(DEVICE, 256)
			.refine(isDevice, { error: DEVICE })
			.exactOptional()
			.describe("A V4L2 camera at this machine.")
			.meta({ examples: ["/dev/video0"] }),
		loop: z.boolean().exactOptional().describe("Whether a file starts again at its end; false where absent."),
		pace: pace
			.exactOptional()
			.describe(
				"Whether recorded frames come as fast as they are worked off, or at the recording's own rate; where absent realtime for HLS playlists (.m3u8) and fast for everything else. For files and for recordings on a web server.",
			),
		verify: z
			.boolean()
			.exactOptional()
			.describe("Whether an https server's certificate is checked; true where absent. Those of rtsps never are."),
	})
	.superRefine(({ file, url, device, loop, pace, verify }, context) => {
		const mistake = (message: string, ...path: string[]) => context.addIssue({ code: "custom", message, path });
		if ([file, url, device].filter((given) => given !== undefined).length !== 1)
			mistake("expected one of file, url and device");
		if (loop !== undefined && file === undefined) mistake("only a file can be looped", "loop");
		if (pace !== undefined && file === undefined && !/^https?:/i.test(url ?? ""))
			mistake("only a file, or a recording on a web server, can have a pace", "pace");
		if (verify !== undefined && !/^https:/i.test(url ?? ""))
			mistake("ffmpeg can check the certificates of https alone", "verify");
	})
	.transform(({ file, url, device, loop = false, pace, verify = true }) => {
		if (file !== undefined) return { kind: "file", file, loop, pace: pace ?? "fast" } as const;
		if (url !== undefined) return { kind: "stream", url, pace: pace ?? paceOf(url), verify } as const;
		return { kind: "device", device: device as string } as const;
	});

/** A playlist's segments come in bursts, of which most frames would be dropped; at their own rate they are as a camera's. */
const paceOf = (url: string) => (/\.m3u8$/i.test(new URL(url).pathname) ? "realtime" : "fast");

const EXAMPLE = "expected a path, a URL, or a mapping such as { file: clip.mp4, loop: true, pace: realtime }";

/** Where a camera's frames come from. */
export const source = z
	.union([short, form], { error: EXAMPLE })
	.describe(
		"Where the frames come from: the path of a video file or of a folder of pictures, an rtsp, rtsps, http or https URL, v4l2:///dev/video0, test: for a picture that moves, or one of these with options.",
	);
