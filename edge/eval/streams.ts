import { Mistake } from "../mistake.js";
import { corruptionOf } from "./corruptions/corruptions.js";
import type { Severity } from "./image.js";
import { WINDOW } from "./method.js";
import { randomOf, shuffled } from "./random.js";

/** What the world does for a while; undefined: nothing. */
export interface Domain {
	readonly corruption: string | undefined;
	readonly severity: Severity;
}

/** A stretch of one domain: which pictures are shown, by their place in the data. */
export interface Segment {
	readonly domain: Domain;
	readonly pictures: readonly number[];
	/** Which time round, from 0, where domains come round. */
	readonly round: number;
}

/** What a stream is made for. */
export interface Wanted {
	/** The class of each picture there is. */
	readonly labels: readonly number[];
	/** What is shown beside clean pictures. */
	readonly domains: readonly Domain[];
	/** Frames of one domain in all. */
	readonly frames: number;
	readonly seed: number;
}

export interface Stream {
	readonly name: string;
	/** Played through ffmpeg as a camera's video would be. */
	readonly video?: boolean;
	/** Frames that a learning step looks at. */
	readonly window: number;
	segments(wanted: Wanted): Segment[];
}

const CLEAN: Domain = { corruption: undefined, severity: 5 };
const ROUNDS = 10;
/** Frames of one visit in the stream of recurring domains, at least and at most. */
const VISIT = [48, 192] as const;
/** Frames in a row of one class in the video. */
const RUN = [8, 24] as const;
/** Concentration of the classes in time (LAME, arXiv 2201.05718, and others since). */
const DIRICHLET = 0.1;

export const domainName = ({ corruption, severity }: Domain): string =>
	corruption === undefined ? "clean" : `${corruption} ${severity}`;

/**
 * A domain as it is typed: a corruption's name, and behind a colon its severity where that is not 5.
 * @throws {Mistake} when there is no such corruption or severity
 */
export function domainOf(typed: string): Domain {
	const [, name, severity = "5"] = /^([^:]*)(?::(.*))?$/.exec(typed) ?? [];
	const corruption = corruptionOf(name).name;
	if (/^[1-5]$/.test(severity)) return { corruption, severity: Number(severity) as Severity };
	throw new Mistake(`${typed}: expected a severity from 1 to 5, as in ${name}:3`);
}

/** How the classes of a stretch follow each other: places of pictures. */
type Order = (labels: readonly number[], count: number, random: () => number) => number[];

const iid: Order = (labels, count, random) => {
	const order: number[] = [];
	while (order.length < count) order.push(...shuffled([...labels.keys()], random));
	return order.slice(0, count);
};

const sorted: Order = (labels, count, random) => {
	const classes = shuffled([...new Set(labels)], random);
	const rank = (place: number) => classes.indexOf(labels[place]);
	return iid(labels, count, random).sort((a, b) => rank(a) - rank(b));
};

/** Each class spread over ten slots by shares drawn from a Dirichlet distribution; slots one after the other. */
const dirichlet: Order = (labels, count, random) => {
	const slots: number[][] = Array.from({ length: 10 }, () => []);
	const places = iid(labels, count, random);
	for (const label of new Set(labels)) {
		const own = places.filter((place) => labels[place] === label);
		const shares = slots.map(() => gamma(DIRICHLET, random));
		const total = shares.reduce((sum, share) => sum + share, 0) || 1;
		let from = 0;
		let reached = 0;
		for (const [slot, share] of shares.entries()) {
			reached += share / total;
			const to = slot === slots.length - 1 ? own.length : Math.round(reached * own.length);
			slots[slot].push(...own.slice(from, Math.max(from, to)));
			from = Math.max(from, to);
		}
	}
	return slots.flatMap((slot) => shuffled(slot, random));
};

/** Nine in ten frames of one class, which changes from stretch to stretch. */
const oneClass: Order = (labels, count, random) => {
	const classes = [...new Set(labels)];
	const chosen = classes[Math.floor(random() * classes.length)];
	const [own, others] = [true, false].map((is) =>
		[...labels.keys()].filter((place) => (labels[place] === chosen) === is),
	);
	return Array.from({ length: count }, () => {
		const from = random() < 0.9 || others.length === 0 ? own : others;
		return from[Math.floor(random() * from.length)];
	});
};

/** Runs of one class, as one vehicle after the other passes. */
const runs: Order = (labels, count, random) => {
	const places: number[] = [];
	while (places.length < count) {
		const place = Math.floor(random() * labels.length);
		places.push(...new Array(between(RUN, random)).fill(place));
	}
	return places.slice(0, count);
};

const between = ([least, most]: readonly [number, number], random: () => number) =>
	least + Math.floor(random() * (most - least + 1));

/** A draw from the gamma distribution of shape below 1 and scale 1, by Johnk's method for small shapes (power of a uniform). */
function gamma(shape: number, random: () => number): number {
	for (;;) {
		const [u, v] = [random() ** (1 / shape), random() ** (1 / (1 - shape))];
		if (u + v <= 1 && u + v > 0) return (-Math.log(1 - random()) * u) / (u + v);
	}
}

/** Clean first, then each corruption once. */
const eachOnce =
	(order: Order) =>
	({ labels, domains, frames, seed }: Wanted): Segment[] => {
		const random = randomOf(seed, 1);
		return [CLEAN, ...domains].map((domain) => ({ domain, round: 0, pictures: order(labels, frames, random) }));
	};

const tenRounds = ({ labels, domains, frames, seed }: Wanted): Segment[] => {
	const random = randomOf(seed, 2);
	return Array.from({ length: ROUNDS }, (_, round) =>
		[CLEAN, ...domains].map((domain) => ({
			domain,
			round,
			pictures: iid(labels, Math.ceil(frames / ROUNDS), random),
		})),
	).flat();
};

const upAndDown = ({ labels, domains, frames, seed }: Wanted): Segment[] => {
	const random = randomOf(seed, 3);
	const severities: Severity[] = [1, 2, 3, 4, 5, 4, 3, 2, 1];
	const corruptions = [...new Set(domains.map(({ corruption }) => corruption))];
	return corruptions.flatMap((corruption, round) =>
		severities.map((severity) => ({
			domain: { corruption, severity },
			round,
			pictures: iid(labels, Math.ceil(frames / severities.length), random),
		})),
	);
};

/** Clean and the first three corruptions, each coming back for visits of random length until it has its frames. */
const recurringWith =
	(order: Order) =>
	({ labels, domains, frames, seed }: Wanted): Segment[] => {
		const random = randomOf(seed, 4);
		const recurring = [CLEAN, ...domains.slice(0, 3)];
		const left = recurring.map(() => frames);
		const visits = recurring.map(() => 0);
		const segments: Segment[] = [];
		let last = -1;
		while (left.some((count) => count > 0)) {
			const open = [...recurring.keys()].filter(
				(i) => left[i] > 0 && (i !== last || left.every((n, k) => k === i || n === 0)),
			);
			const i = segments.length === 0 ? 0 : open[Math.floor(random() * open.length)];
			const count = Math.min(left[i], between(VISIT, random));
			segments.push({ domain: recurring[i], round: visits[i]++, pictures: order(labels, count, random) });
			left[i] -= count;
			last = i;
		}
		return segments;
	};

/** Every frame of another domain. */
const mixed = ({ labels, domains, frames, seed }: Wanted): Segment[] => {
	const random = randomOf(seed, 5);
	const bag = shuffled(
		[CLEAN, ...domains].flatMap((domain) => new Array<Domain>(frames).fill(domain)),
		random,
	);
	const pictures = iid(labels, bag.length, random);
	return bag.map((domain, i) => ({ domain, round: 0, pictures: [pictures[i]] }));
};

const cleanOnly = ({ labels, frames, seed }: Wanted): Segment[] => {
	const random = randomOf(seed, 6);
	return [iid, dirichlet, sorted].map((order, round) => ({
		domain: CLEAN,
		round,
		pictures: order(labels, frames, random),
	}));
};

/** The streams there are, by the names that `--streams` takes. */
export const streams: readonly Stream[] = [
	{ name: "continual", window: WINDOW, segments: eachOnce(iid) },
	{ name: "rounds", window: WINDOW, segments: tenRounds },
	{ name: "gradual", window: WINDOW, segments: upAndDown },
	{ name: "recurring", window: WINDOW, segments: recurringWith(iid) },
	{ name: "dirichlet", window: WINDOW, segments: eachOnce(dirichlet) },
	{ name: "sorted", window: WINDOW, segments: eachOnce(sorted) },
	{ name: "one-class", window: WINDOW, segments: eachOnce(oneClass) },
	{ name: "mixed", window: WINDOW, segments: mixed },
	{ name: "clean", window: WINDOW, segments: cleanOnly },
	// The very frames of `continual`, which is what it is compared with.
	{ name: "window-16", window: 16, segments: eachOnce(iid) },
	{ name: "video", window: WINDOW, video: true, segments: recurringWith(runs) },
];
