const BYTES = { kB: 1e3, MB: 1e6, GB: 1e9 };

/** What a size looks like: a number and its unit, without a space. */
export const sizePattern = /^\d+(\.\d+)?(kB|MB|GB)$/;

/** Bytes in a size such as `500kB`, `256MB`, `1.5GB`; the text must fit `sizePattern`. */
export function bytes(text: string): number {
	const unit = text.replace(/^[\d.]+/, "") as keyof typeof BYTES;
	return Math.round(Number.parseFloat(text) * BYTES[unit]);
}
