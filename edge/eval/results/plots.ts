import { grouped, mean } from "./metrics.js";
import { NONE, type Run, type Seen } from "./run.js";
import { type Studied, type Study, spread } from "./study.js";
import {
	dashes,
	drawing,
	gridLine,
	METHODS,
	markers,
	paint,
	type Style,
	shades,
	short,
	stroke,
	styleOf,
	text,
	whiskers,
	widthOf,
} from "./svg.js";

/** Frames that a point of the curve is the mean of: the last ones. */
const MOVING = 50;

const WIDTH = 960;
const LEFT = 46;
const RIGHT = 12;
const PLOT = 260;
/** Points of all curves together, and of one: a file stays below 100 KB, and a screen shows no more. */
const POINTS = 5000;
const POINTS_EACH = 420;
/** Narrower bands cannot be told apart, nor their names read. */
const NARROWEST = 3;
const NAMEABLE = 12;
const LONGEST_NAME = 24;

// ---------------------------------------------------------------- over time

/** Moving accuracy of each method along the stream, over the conditions that it goes through. */
export const overTime = (study: Study): string => {
	const { methods, model, stream } = study;
	const curves = curvesOf(study);
	const frames = curves.domains.length;
	const legend = legendOf(
		methods,
		38,
		(x, y, style) => `<path d="M${short(x)} ${short(y)}h22" ${stroke(style.ink)} stroke-width="3"${dashes(style)}/>`,
	);
	const top = legend.bottom + 12;
	const bottom = top + PLOT;
	const x = (frame: number) => LEFT + (frame / frames) * (WIDTH - LEFT - RIGHT);
	const values = curves.lines.flatMap(({ shares }) => shares);
	const [low, high] = [
		Math.floor(Math.min(...extent(values)) * 10) / 10,
		Math.ceil(Math.max(...extent(values)) * 10) / 10,
	];
	const y = (share: number) => bottom - ((share - low) / Math.max(high - low, 0.1)) * PLOT;
	const bands = bandsOf(curves.domains, x, top, bottom);
	const each = Math.max(Math.min(Math.floor(POINTS / curves.lines.length), POINTS_EACH), 2);
	return drawing(
		WIDTH,
		bands.bottom + 26,
		`${model}, ${stream}: accuracy in % over the last ${MOVING} frames${curves.of}`,
		[
			...legend.parts,
			...bands.parts,
			...shareAxis(low, Math.max(high, low + 0.1), y),
			...curves.lines.map(({ shares, style }) => {
				const points = sampled(shares, each).map(([frame, share]) => `${short(x(frame + 1))} ${short(y(share))}`);
				return `<path d="M${points.join("L")}" ${stroke(style.ink)} stroke-width="1.4" stroke-linejoin="round"${dashes(style)}/>`;
			}),
			...frameAxis(frames, x, bands.bottom),
		],
	);
};

interface Curves {
	/** Of each frame. */
	readonly domains: readonly string[];
	readonly lines: readonly { readonly shares: readonly number[]; readonly style: Style }[];
	/** Which seeds they are of, for the title. */
	readonly of: string;
}

/** Means over the seeds if all of them go through the same conditions at the same time; of the first seed if not. */
const curvesOf = ({ methods, seeds }: Study): Curves => {
	const all = methods.flatMap(({ runs }) => runs);
	const first = all.filter(({ seed }) => seed === seeds[0])[0];
	const isSame = all.every((run) => sameCourse(run.frames, first.frames));
	const shown = (runs: readonly Run[]) => (isSame ? runs : runs.filter(({ seed }) => seed === seeds[0]));
	const ofSeeds = isSame ? `mean of ${seeds.length} seeds` : `seed ${seeds[0]}`;
	return {
		domains: first.frames.map(({ domain }) => domain),
		lines: styled(methods).flatMap(({ studied, style }) => {
			const runs = shown(studied.runs);
			return runs.length > 0 ? [{ shares: moving(runs.map(({ frames }) => frames)), style }] : [];
		}),
		of: seeds.length > 1 ? `, ${ofSeeds}` : "",
	};
};

const sameCourse = (a: readonly Seen[], b: readonly Seen[]) =>
	a.length === b.length && a.every(({ domain }, i) => domain === b[i].domain);

/** Of each frame, the share that was right among it and those before it; fewer at the beginning. */
const moving = (runs: readonly (readonly Seen[])[]): number[] => {
	const right = runs[0].map((_, i) => mean(runs.map((frames) => Number(frames[i].correct))));
	let sum = 0;
	return right.map((share, i) => {
		sum += share - (right[i - MOVING] ?? 0);
		return sum / Math.min(i + 1, MOVING);
	});
};

/** At most `count` of the values at even distances, the last among them; the first few frames are too few for a mean. */
const sampled = (values: readonly number[], count: number): [frame: number, value: number][] => {
	const start = Math.min(Math.floor(MOVING / 2), values.length - 1);
	const rest = values.length - 1 - start;
	const steps = Math.min(rest, count - 1);
	return Array.from({ length: steps + 1 }, (_, k) => {
		const frame = start + (steps > 0 ? Math.round((k / steps) * rest) : 0);
		return [frame, values[frame]];
	});
};

/** Not by spreading: there are as many values as frames. */
const extent = (values: readonly number[]): [number, number] =>
	values.reduce<[number, number]>(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [1, 0]);

const bandsOf = (
	domains: readonly string[],
	x: (frame: number) => number,
	top: number,
	bottom: number,
): { readonly parts: string[]; readonly bottom: number } => {
	const starts = domains.flatMap((domain, i) => (domain !== domains[i - 1] ? [i] : []));
	if ((x(domains.length) - x(0)) / starts.length < NARROWEST)
		return { parts: [text(LEFT, bottom + 13, "conditions change too often to be shown")], bottom: bottom + 18 };
	const names = [...new Set(domains)];
	const stretches = starts.map((from, k) => {
		const to = starts[k + 1] ?? domains.length;
		return {
			name: cut(domains[from]),
			from: x(from),
			width: x(to) - x(from),
			ink: METHODS[names.indexOf(domains[from]) % METHODS.length],
		};
	});
	const isFlat = stretches.every(({ name, width }) => widthOf(name) + 4 < width);
	const height = isFlat ? 18 : Math.max(...stretches.map(({ name }) => widthOf(name))) + 10;
	return {
		parts: [
			...[...grouped(stretches, ({ ink }) => ink)].flatMap(([ink, own]) => [
				shades(own, top, bottom, ink, 0.1),
				shades(own, bottom, bottom + height, ink, 0.28),
			]),
			...(stretches.length > 1
				? [
						markers(
							stretches.slice(1).map(({ from }) => from),
							top,
							bottom + height,
						),
					]
				: []),
			...stretches.flatMap(({ name, from, width }) => {
				if (isFlat) return [text(from + width / 2, bottom + 13, name, ' text-anchor="middle"')];
				return width >= NAMEABLE ? [standing(from + width / 2 + 4, bottom + 5, name)] : [];
			}),
		],
		bottom: bottom + height,
	};
};

const frameAxis = (frames: number, x: (frame: number) => number, y: number): string[] => {
	const step = niceStep(frames / 8);
	return [
		...Array.from({ length: Math.floor(frames / step) + 1 }, (_, k) => k * step)
			.filter((frame) => x(frame) < WIDTH - 70)
			.map((frame) => text(x(frame), y + 14, String(frame), ' text-anchor="middle"')),
		text(WIDTH - RIGHT, y + 14, "frames", ' text-anchor="end"'),
	];
};

/** 1, 2 or 5 times a power of ten, at least `least` and at least 1. */
const niceStep = (least: number): number => {
	const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
	return ([1, 2, 5].find((k) => k * power >= least) ?? 10) * power;
};

// ---------------------------------------------------------------- bars

/** Accuracy of each method in each domain, whiskers from the lowest to the highest seed. */
export const bars = ({ domains, methods, model, stream, seeds }: Study): string => {
	const legend = legendOf(
		methods,
		38,
		(x, y, style) => `<path d="M${short(x)} ${short(y - 5)}h22v10h-22z" ${barPaint(style)}/>`,
	);
	const top = legend.bottom + 12;
	const bottom = top + PLOT;
	const width = Math.max(WIDTH, LEFT + RIGHT + domains.length * (methods.length * 3 + 8));
	const group = (width - LEFT - RIGHT) / domains.length;
	const bar = Math.min((group * 0.84) / methods.length, 48);
	const y = (share: number) => bottom - share * PLOT;
	const left = (domain: number) => LEFT + domain * group + (group - bar * methods.length) / 2;
	const names = domains.map(cut);
	const isFlat = names.every((name) => widthOf(name) + 6 < group);
	const height = isFlat ? 20 : Math.max(...names.map(widthOf)) + 12;
	const title = `${model}, ${stream}: accuracy in % in each domain${seeds.length > 1 ? `, mean and range of ${seeds.length} seeds` : ""}`;
	return drawing(width, bottom + height, title, [
		...legend.parts,
		...shareAxis(0, 1, y, width),
		...styled(methods).flatMap(({ studied, style }, m) => {
			const values = domains.map((domain) => spreadOf(studied, domain));
			const path = values.map((value, d) =>
				value
					? `M${short(left(d) + m * bar)} ${short(bottom)}v${short(-value.mean * PLOT)}h${short(bar * 0.88)}V${short(bottom)}z`
					: "",
			);
			const ranges = values.map((value, d) =>
				value && value.low < value.high
					? `M${short(left(d) + (m + 0.44) * bar)} ${short(y(value.low))}V${short(y(value.high))}`
					: "",
			);
			return [
				`<path d="${path.join("")}" ${barPaint(style)}/>`,
				...(ranges.some(Boolean) ? [whiskers(ranges.join(""))] : []),
			];
		}),
		...names.map((name, d) =>
			isFlat
				? text(LEFT + (d + 0.5) * group, bottom + 14, name, ' text-anchor="middle"')
				: standing(LEFT + (d + 0.5) * group + 4, bottom + 5, name),
		),
	]);
};

const spreadOf = (studied: Studied, domain: string) => {
	const shares = (studied.domains.get(domain) ?? []).map((row) => row.accuracy);
	const value = spread(shares);
	return value && { mean: value.mean, low: Math.min(...shares), high: Math.max(...shares) };
};

/** Where colours repeat, bars are pale, then hollow. */
const barPaint = ({ ink, cycle }: Style): string => {
	if (cycle === 0) return paint(ink);
	return cycle === 1 ? `${paint(ink)} opacity="0.45"` : `${stroke(ink)} stroke-width="1"`;
};

// ---------------------------------------------------------------- both

const styled = (methods: readonly Studied[]): { readonly studied: Studied; readonly style: Style }[] => {
	const others = methods.filter(({ method }) => method !== NONE);
	return methods.map((studied) => ({ studied, style: styleOf(others.indexOf(studied), studied.method === NONE) }));
};

const legendOf = (
	methods: readonly Studied[],
	top: number,
	sample: (x: number, y: number, style: Style) => string,
): { readonly parts: string[]; readonly bottom: number } => {
	let [x, y] = [LEFT, top];
	const parts = styled(methods).flatMap(({ studied: { method }, style }) => {
		const name = cut(method);
		if (x > LEFT && x + 28 + widthOf(name) > WIDTH - RIGHT) [x, y] = [LEFT, y + 16];
		const from = x;
		x += 28 + widthOf(name) + 16;
		return [sample(from, y, style), text(from + 28, y + 4, name)];
	});
	return { parts, bottom: y };
};

const shareAxis = (low: number, high: number, y: (share: number) => number, width = WIDTH): string[] => {
	const step = high - low > 0.5 ? 20 : 10;
	const ticks = Array.from({ length: 11 }, (_, k) => k * 10).filter(
		(tick) => tick % step === 0 && tick >= low * 100 - 1e-6 && tick <= high * 100 + 1e-6,
	);
	return ticks.flatMap((tick) => [
		gridLine(LEFT, y(tick / 100), width - RIGHT, y(tick / 100)),
		text(LEFT - 6, y(tick / 100) + 4, String(tick), ' text-anchor="end"'),
	]);
};

/** Words from below upward that end at a point. */
const standing = (x: number, y: number, words: string): string =>
	text(x, y, words, ` text-anchor="end" transform="rotate(-90 ${short(x)} ${short(y)})"`);

const cut = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);
