import type { MqttClient } from "mqtt";
import type { Letter } from "./letters.js";
import type { Outbox } from "./outbox.js";

/** Messages sent and not yet acknowledged. */
const WINDOW = 20;

/** Messages that may wait while the broker is there before whoever sends has to. */
const ROOM = 200;

/** Brings the outbox's letters to the broker, in order and no faster than they are acknowledged. */
export interface Postman {
	/** The connection stands. */
	begin(client: MqttClient): void;
	/** It is lost: what was not acknowledged goes again, with the next one. */
	stop(): void;
	/** Takes no further letter; those under way may still be acknowledged. */
	hold(): void;
	/** Resolves when there is room for one more letter. */
	room(): Promise<void>;
	/** Resolves when nothing waits any more, or the connection is lost. */
	idle(): Promise<void>;
}

export interface PostmanOptions {
	readonly outbox: Outbox;
	/** Letters a second, at most, of those that were waiting when the connection came about. */
	readonly replay: number;
	/** Milliseconds without an acknowledgement, though one is due, until `onSilence`. */
	readonly acknowledge: number;
	readonly onSilence: () => void;
	readonly onAcknowledged: (letter: Letter) => void;
	/** Everything has arrived. */
	readonly onIdle: (client: MqttClient) => void;
}

export function openPostman(options: PostmanOptions): Postman {
	const { outbox, replay, acknowledge, onSilence, onAcknowledged, onIdle } = options;
	const underWay = new Set<Letter>();
	let client: MqttClient | undefined;
	let holding = false;
	let waiters: (() => void)[] = [];
	let silence: NodeJS.Timeout | undefined;
	/** The fewest letters that have waited since the connection came about: their number must not grow from there. */
	let fewest = 0;
	/** Letters to replay, how many of them may go now, and when that was so. */
	let backlog = 0;
	let allowance = 0;
	let allowedAt = 0;
	let ration: NodeJS.Timeout | undefined;
	let rest = () => {};

	const pump = () => {
		const mine = client;
		if (mine === undefined || holding) return;
		for (const letter of outbox.take(Math.min(WINDOW - underWay.size, allowed()))) {
			underWay.add(letter);
			if (backlog > 0) {
				backlog--;
				allowance--;
			}
			mine.publish(letter.topic, letter.payload, { qos: 1, retain: letter.retain }, (error) => {
				if (error || client !== mine) return; // the connection is lost, and the outbox begins again
				underWay.delete(letter);
				outbox.remove(letter);
				onAcknowledged(letter);
				fewest = Math.min(fewest, outbox.waiting);
				expect();
				pump();
				makeRoom();
				if (outbox.waiting > 0) return;
				onIdle(mine);
				rest();
			});
		}
		if (silence === undefined) expect();
	};

	/** How many letters may go now; comes back when none may. A consumer that was away too is not run over by what waited. */
	const allowed = (): number => {
		if (backlog === 0) return WINDOW;
		const now = performance.now();
		allowance = Math.min(WINDOW, allowance + ((now - allowedAt) / 1000) * replay);
		allowedAt = now;
		if (allowance >= 1) return Math.min(backlog, Math.floor(allowance));
		ration ??= setTimeout(() => {
			ration = undefined;
			pump();
		}, 1000 / replay);
		return 0;
	};

	/** Starts the wait for the next acknowledgement, if one is due. */
	const expect = () => {
		hush();
		if (underWay.size > 0) silence = setTimeout(onSilence, acknowledge);
	};
	const hush = () => {
		clearTimeout(silence);
		silence = undefined;
	};

	const hasRoom = () => !outbox.busy && (client === undefined || outbox.waiting <= fewest + ROOM);
	const makeRoom = () => {
		if (waiters.length === 0 || !hasRoom()) return;
		const released = waiters;
		waiters = [];
		for (const go of released) go();
	};

	outbox.onStored(() => {
		pump();
		makeRoom();
	});
	return {
		begin(mine) {
			client = mine;
			fewest = backlog = outbox.waiting;
			pump();
		},
		stop() {
			client = undefined;
			hush();
			clearTimeout(ration);
			ration = undefined;
			underWay.clear();
			outbox.rewind();
			makeRoom();
			rest();
		},
		hold() {
			holding = true;
		},
		room: () => (hasRoom() ? Promise.resolve() : new Promise((go) => waiters.push(go))),
		idle: () => (outbox.waiting === 0 ? Promise.resolve() : new Promise((done) => (rest = done))),
	};
}
