import type { Bank } from "../operators/types.js";

/** All knowledge of one device: a bank for each camera and bundle. */
export interface Store {
	/**
	 * The bank of a camera under a bundle, by the bundle's sha256; made with its first record. Closing it leaves the store open.
	 * Its methods throw {EdgeError} `bank` when the disk is full, the store has reached its limit or has been closed.
	 */
	bank(bundle: string, camera: string): Bank;
	/** Every bank that holds domains, by bundle and camera. */
	list(): readonly { readonly bundle: string; readonly camera: string; readonly domains: number }[];
	/** Waits for what is being written. Safe to call twice. */
	close(): Promise<void>;
}
