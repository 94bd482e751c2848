import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { openJudge } from "../mqtt/payloads.contract.js";

/** One camera as its consumer knows it; predictions by their `seq`. */
export interface Heard {
	/** The frame's index of each prediction. */
	readonly frames: Map<number, number>;
	/** Ranges of `seq` that the daemon said nobody will get. */
	readonly lost: { readonly from: number; readonly to: number }[];
	/** Deliveries of a prediction that was there already: QoS 1 is at least once. */
	again: number;
	status: string;
	/** When the newest frame that was predicted was taken, in milliseconds since the epoch. */
	newest: number;
}

/** Somebody who relies on the messages, writes down what comes, and holds it against what docs/mqtt.md says. */
export class Consumer {
	readonly cameras = new Map<string, Heard>();
	available = "";
	readonly #judge = openJudge();
	/** What the daemon answered last. */
	#answer: { readonly transaction?: string; readonly error?: string } = {};
	#asked = 0;
	#client: MqttClient | undefined;

	/** What was wrong with messages, one sentence each. */
	get problems(): readonly string[] {
		return this.#judge.problems;
	}

	async connect(url: string): Promise<void> {
		this.#client = await connectAsync(url, { reconnectPeriod: 0 });
		this.#client.on("error", () => {}).on("message", (topic, payload) => this.#hear(topic, String(payload)));
		await this.#client.subscribeAsync("acclimate/#", { qos: 1 });
	}

	async disconnect(): Promise<void> {
		await this.#client?.endAsync(true);
	}

	/**
	 * Asks the daemon for something.
	 * @throws when it refuses, or does not answer within so many milliseconds
	 */
	async ask(request: string, payload: object, patience = 10_000): Promise<void> {
		const transaction = String(++this.#asked);
		const asked = { ...payload, transaction };
		await this.#client?.publishAsync(`acclimate/bridge/request/${request}`, JSON.stringify(asked), { qos: 1 });
		for (let waited = 0; this.#answer.transaction !== transaction; waited += 50) {
			if (waited > patience) throw new Error(`${request} was not answered`);
			await sleep(50);
		}
		if (this.#answer.error) throw new Error(`${request}: ${this.#answer.error}`);
	}

	#hear(topic: string, payload: string): void {
		this.#judge.judge(topic, payload);
		if (topic.startsWith("acclimate/bridge/response/")) this.#answer = JSON.parse(payload);
		const [, camera, channel] = topic.split("/");
		if (camera === "available") this.available = payload;
		if (channel === undefined) return;
		const heard = this.cameras.get(camera) ?? unheard();
		this.cameras.set(camera, heard);
		if (channel === "status") heard.status = payload;
		if (channel === "predictions") {
			const { seq, frame, capturedAt } = JSON.parse(payload);
			if (heard.frames.has(seq)) heard.again++;
			heard.frames.set(seq, frame);
			heard.newest = Math.max(heard.newest, Date.parse(capturedAt));
		}
		if (channel === "gap")
			for (const range of JSON.parse(payload).lost) if (range.channel === "predictions") heard.lost.push(range);
	}
}

const unheard = (): Heard => ({ frames: new Map(), lost: [], again: 0, status: "", newest: 0 });
