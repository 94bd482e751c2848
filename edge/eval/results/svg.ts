/**
 * Drawings as strings. Each paints its own ground, so that it is legible on a page of either brightness; colours are
 * attributes, for programs that know no style sheets, and a dark page overrides them.
 */

/** A colour on a light and on a dark ground. */
type Ink = readonly [name: string, light: string, dark: string];

const PAPER: Ink = ["paper", "#ffffff", "#0d1117"];
const TEXT: Ink = ["text", "#1f2328", "#e6edf3"];
const FAINT: Ink = ["faint", "#d0d7de", "#30363d"];

/**
 * Chosen by search: on each ground all are apart by 20 in CIELAB for normal sight and for the three kinds of colour
 * blindness (Machado 2009), and have a contrast of 3 to the ground. The first is for doing nothing.
 */
export const METHODS: readonly Ink[] = [
	["m0", "#6e7781", "#9198a1"],
	["m1", "#0072b2", "#56b4e9"],
	["m2", "#d55e00", "#e69f00"],
	["m3", "#9d0aff", "#9d0aff"],
	["m4", "#5c2b0a", "#f3df91"],
	["m5", "#4d12a5", "#c84141"],
	["m6", "#17444f", "#c0edd2"],
];

/** Where colours repeat, lines differ by their dashes. */
const DASHES = ["", "6 3", "2 3", "9 3 2 3"];

/** How the nth method is drawn: `none` in grey, the others by their place, again and again. */
export interface Style {
	readonly ink: Ink;
	/** How often the colours were used up before. */
	readonly cycle: number;
}

export const styleOf = (place: number, isNone: boolean): Style => {
	const colours = METHODS.length - 1;
	return isNone
		? { ink: METHODS[0], cycle: 0 }
		: { ink: METHODS[1 + (place % colours)], cycle: Math.floor(place / colours) };
};

export const dashes = ({ cycle }: Style): string => {
	const pattern = DASHES[cycle % DASHES.length];
	return pattern && ` stroke-dasharray="${pattern}"`;
};

export const paint = ([name, light]: Ink): string => `class="${name}f" fill="${light}"`;
export const stroke = ([name, light]: Ink): string => `class="${name}s" fill="none" stroke="${light}"`;

export const text = (x: number, y: number, words: string, more = ""): string =>
	`<text x="${short(x)}" y="${short(y)}" ${paint(TEXT)}${more}>${escaped(words)}</text>`;

export const gridLine = (x1: number, y1: number, x2: number, y2: number): string =>
	`<path d="M${short(x1)} ${short(y1)}L${short(x2)} ${short(y2)}" ${stroke(FAINT)}/>`;

/** Shades, and lines across, where the stretches are: one path for all of them, however many. */
export const shades = (
	stretches: readonly { readonly from: number; readonly width: number }[],
	top: number,
	bottom: number,
	ink: Ink,
	opacity: number,
): string =>
	`<path d="${stretches.map(({ from, width }) => `M${short(from)} ${short(top)}h${short(width)}V${short(bottom)}h${short(-width)}z`).join("")}" ${paint(ink)} opacity="${opacity}"/>`;

export const markers = (places: readonly number[], top: number, bottom: number): string =>
	`<path d="${places.map((x) => `M${short(x)} ${short(top)}V${short(bottom)}`).join("")}" ${stroke(TEXT)} stroke-width="0.75" stroke-dasharray="1 3"/>`;

export const whiskers = (path: string): string => `<path d="${path}" ${stroke(TEXT)}/>`;

export const drawing = (width: number, height: number, title: string, parts: readonly string[]): string =>
	[
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" font-family="system-ui, sans-serif" font-size="${FONT}" role="img">`,
		`<title>${escaped(title)}</title>`,
		`<style>@media (prefers-color-scheme: dark){${[PAPER, TEXT, FAINT, ...METHODS].map(([name, , dark]) => `.${name}f{fill:${dark}}.${name}s{stroke:${dark}}`).join("")}}</style>`,
		`<rect width="100%" height="100%" ${paint(PAPER)}/>`,
		text(10, 20, title, ' font-weight="bold"'),
		...parts,
		"</svg>\n",
	].join("\n");

const FONT = 11;

/** About how wide words are drawn. */
export const widthOf = (words: string): number => words.length * FONT * 0.52;

/** One decimal is finer than a screen. */
export const short = (value: number): string => String(Math.round(value * 10) / 10);

export const escaped = (words: string): string =>
	words
		.replace(/[\p{Cc}\p{Cs}]/gu, " ")
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll(">", "&gt;")
		.replaceAll('"', "&quot;");
