import { type Fitting, fitFilter, type Region } from "../ffmpeg.js";

/** What is done with a picture before it becomes the model's input. */
export interface Picture extends Fitting {
	/** At most so many pictures a second. */
	readonly fps?: number;
	/** Degrees clockwise, before anything is cut out. */
	readonly rotate?: Rotation;
	/** Parts by name, each a frame of its own; instead of `region`. */
	readonly regions?: Readonly<Record<string, Region>>;
}

export type Rotation = 0 | 90 | 180 | 270;

const ROTATIONS: Readonly<Record<Rotation, readonly string[]>> = {
	0: [],
	90: ["transpose=clock"],
	180: ["hflip", "vflip"],
	270: ["transpose=cclock"],
};

/**
 * ffmpeg's options for the filters: out come planes G, B, R of `width` × `height` bytes; of several regions the pictures
 * stand one below the other.
 * @throws {EdgeError} `camera` when a region is not a rectangle
 */
export function filterOptions(picture: Picture, { clock }: { readonly clock: boolean }): string[] {
	const { fps, rotate = 0, regions } = picture;
	const before = [...(fps === undefined ? [] : [limitFilter(fps, clock)]), ...ROTATIONS[rotate]];
	const areas = Object.values(regions ?? {});
	if (areas.length < 2) {
		const region = areas[0] ?? picture.region;
		return ["-vf", [...before, fitFilter({ ...picture, ...(region && { region }) })].join(",")];
	}
	const copies = areas.map((_, i) => `[copy${i}]`).join("");
	const parts = areas.map((region, i) => `[copy${i}]${fitFilter({ ...picture, region })}[part${i}]`);
	const graph = [
		`[0:v]${[...before, `split=${areas.length}${copies}`].join(",")}`,
		...parts,
		`${areas.map((_, i) => `[part${i}]`).join("")}vstack=inputs=${areas.length}[all]`,
	];
	return ["-filter_complex", graph.join(";"), "-map", "[all]"];
}

/**
 * Lets through the first picture of every 1/fps seconds and never repeats one, as ffmpeg's `fps` would. With `clock`
 * also one that comes so long after the last by the clock: streams of single JPEGs have no times of their own, and
 * ffmpeg takes them for 25 a second.
 */
function limitFilter(fps: number, clock: boolean): string {
	// The small addend: a picture at the very start of an interval must not fall before it by rounding.
	const interval = (time: string) => `floor(${time}*${fps}+0.001)`;
	const due = `isnan(prev_selected_t)+not(eq(${interval("t")},${interval("prev_selected_t")}))`;
	return clock ? `select='if(${due}+gte(time(0)-ld(0),${0.9 / fps}),st(0,time(0)))'` : `select='${due}'`;
}
