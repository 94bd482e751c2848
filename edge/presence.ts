import type { Camera, CameraReason, Outlet } from "../operators/types.js";

/** Where one camera's status and the reason for it are told: nowhere else, and each only when it has changed. */
export interface Presence {
	/** Frames come. */
	online(): Promise<void>;
	/** No frame comes; `reason`: why, where anybody knows. `retries`: how often it has been opened anew in vain. */
	offline(reason: CameraReason | undefined, retries: number): Promise<void>;
	/** The configuration has it switched off. */
	disabled(): Promise<void>;
}

export const openPresence = (outlet: Outlet): Presence => {
	let told: { readonly status: "online" | "offline" | "disabled"; readonly since: string } | undefined;
	const tell = async (status: "online" | "offline" | "disabled", reason: CameraReason | undefined, retries: number) => {
		const changed = told?.status !== status;
		if (changed) told = { status, since: new Date().toISOString() };
		if (changed) await outlet.publish("status", status);
		await outlet.publish("state", { state: status, reason: reason ?? null, since: told?.since, retries });
	};
	return {
		online: () => tell("online", undefined, 0),
		offline: (reason, retries) => tell("offline", reason, retries),
		disabled: () => tell("disabled", undefined, 0),
	};
};

/** The same camera, which tells of its first frames before it gives them out. */
export const heralded = (camera: Camera, herald: () => Promise<void>): Camera => {
	let come = false;
	return {
		live: camera.live,
		get waiting() {
			return camera.waiting;
		},
		get dropped() {
			return camera.dropped;
		},
		async take(limit, patience) {
			const frames = await camera.take(limit, patience);
			if (!come && frames.length > 0) {
				come = true;
				await herald();
			}
			return frames;
		},
		close: () => camera.close(),
	};
};
