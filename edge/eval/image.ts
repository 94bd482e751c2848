/** A picture to be corrupted: planes R, G, B of height × width values, 0 to 1. */
export interface Image {
	readonly width: number;
	readonly height: number;
	readonly data: Float32Array;
}

/** 1 to 5, as in ImageNet-C. */
export type Severity = 1 | 2 | 3 | 4 | 5;

/** What the world does to a picture, each picture by itself; the same random numbers give the same picture. */
export interface FrameCorruption {
	readonly name: string;
	readonly kind: "frame";
	/** @param random uniform in [0, 1) */
	apply(image: Image, severity: Severity, random: () => number): Image;
}

/** What it does to a clip, as a video codec does; the clip's pictures have one size, and as many come back. */
export interface ClipCorruption {
	readonly name: string;
	readonly kind: "clip";
	apply(images: readonly Image[], severity: Severity): Promise<Image[]>;
}

export type Corruption = FrameCorruption | ClipCorruption;
