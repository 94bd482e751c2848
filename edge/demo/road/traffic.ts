import type { Point } from "./camera.js";
import { silhouette } from "./paint.js";
import { area, clipped } from "./polygon.js";
import { between, type Random, shuffled } from "./random.js";
import { placed, type Solid } from "./solids.js";
import { KINDS, type Kind, vehicles } from "./vehicles/index.js";
import { OVERSAMPLING, REGION, VIEW } from "./view.js";

/** One vehicle's way through the picture. */
export interface Pass {
	readonly kind: Kind;
	readonly solids: readonly Solid[];
	/** The frame, not a whole number, in which it is in the middle of the region. */
	readonly middle: number;
	/** For how many frames its middle is inside the region. */
	readonly frames: number;
	/** Where in its lane it keeps, and how it is turned. */
	readonly aside: number;
	readonly yaw: number;
}

/** Half the stretch of road, in metres, that the region shows. */
const REACH = 6.3;

/** Each kind `rounds` times in random order, the first one to enter at frame `start`; one enters as the other leaves. */
export const convoy = (random: Random, rounds: number, start: number): { passes: Pass[]; end: number } => {
	const kinds = shuffled(
		random,
		KINDS.flatMap((kind) => Array<Kind>(rounds).fill(kind)),
	);
	let end = start;
	const passes = kinds.map((kind): Pass => {
		const frames = between(random, 14, 20);
		const pass = {
			kind,
			solids: vehicles[kind](random),
			middle: end + frames / 2,
			frames,
			aside: between(random, -0.35, 0.35),
			yaw: between(random, -0.03, 0.03),
		};
		end += frames + between(random, 1, 2);
		return pass;
	});
	return { passes, end: Math.round(end) };
};

/** Where along the road a vehicle is: it slows down for the crossing in the middle of the region. */
const position = ({ middle, frames }: Pass, frame: number): number => {
	const t = (frame - middle) / (frames / 2);
	const inside = Math.max(-1, Math.min(1, t));
	return REACH * (0.65 * inside + 0.35 * inside ** 3 + 1.7 * (t - inside));
};

/** A vehicle where it stands in one frame. */
export interface Present {
	readonly kind: Kind;
	readonly solids: Solid[];
}

/** The vehicles in or near the picture, the farthest first. */
export const present = (passes: readonly Pass[], frame: number): Present[] =>
	passes
		.map((pass) => ({ pass, x: position(pass, frame) }))
		.filter(({ x }) => Math.abs(x) < 26 && x < 14)
		.sort((a, b) => a.x - b.x)
		.map(({ pass, x }) => ({ kind: pass.kind, solids: placed(pass.solids, x, pass.aside, pass.yaw) }));

/** The kind that takes up most of the region, of those that are at least half inside; null when none is. */
export const dominant = (vehiclesPresent: readonly Present[]): Kind | null => {
	const box = REGION.map((v) => v * OVERSAMPLING) as [number, number, number, number];
	let best: { kind: Kind | null; seen: number } = { kind: null, seen: 0 };
	for (const { kind, solids } of vehiclesPresent) {
		const outline: Point[] = silhouette(solids, VIEW);
		const seen = area(clipped(outline, box));
		if (seen >= 0.5 * area(outline) && seen > best.seen) best = { kind, seen };
	}
	return best.kind;
};
