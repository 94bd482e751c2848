import { masked } from "../../config/mask.js";

/** Where a camera's frames come from. */
export type Source = File | Pictures | Stream | Device | TestPicture;

/** How fast recorded frames come. `fast`: as they are taken. `realtime`: at the recording's own rate. */
export type Pace = "fast" | "realtime";

export interface File {
	readonly kind: "file";
	/** Path of a video file, or of a folder of pictures. */
	readonly file: string;
	/** Starts over at the end, for ever. */
	readonly loop: boolean;
	readonly pace: Pace;
}

/** Pictures of one kind, in the order of their names; what a `File` that is a folder turns out to be. */
export interface Pictures extends Omit<File, "kind"> {
	readonly kind: "pictures";
	/** Pattern of their names, relative to the folder. */
	readonly pattern: string;
}

/** A URL; which schemes there are: `SCHEMES`. */
export interface Stream {
	readonly kind: "stream";
	readonly url: string;
	/** `realtime` slows a recording on a server down to its own rate; a live one comes as it comes. */
	readonly pace: Pace;
	/** Whether a server's certificate is checked; ffmpeg can do so for https alone. */
	readonly verify: boolean;
}

/** A camera at this machine. */
export interface Device {
	readonly kind: "device";
	/** Such as `/dev/video0`. */
	readonly device: string;
}

/** A moving picture that ffmpeg draws, 640×360 at 25 frames a second. */
export interface TestPicture {
	readonly kind: "test";
}

/** A video file that is read once, without loss. */
export const videoFile = (file: string): File => ({ kind: "file", file, loop: false, pace: "fast" });

/** Schemes of streams. */
export const SCHEMES = ["rtsp", "rtsps", "http", "https"] as const;

/** A source as it may be printed. */
export const nameOf = (source: Source): string => {
	switch (source.kind) {
		case "stream":
			return masked(source.url);
		case "device":
			return source.device;
		case "test":
			return "the test picture";
		default:
			return source.file;
	}
};

/** Whether the source makes its frames at a pace of its own, so that they have to be dropped where nobody takes them. */
export const isLive = (source: Source): boolean =>
	source.kind === "file" || source.kind === "pictures" ? source.pace === "realtime" : true;

/** Whether the source is expected to go on for ever. */
export const isEndless = (source: Source): boolean =>
	source.kind === "file" || source.kind === "pictures" ? source.loop : true;
