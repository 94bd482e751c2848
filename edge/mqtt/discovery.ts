import type { Incoming } from "../../adapters/broker.options.js";
import type { Broker } from "../../operators/types.js";

/** Where Home Assistant looks for what there is. */
const PREFIX = "homeassistant";

/** What Home Assistant shows of a camera. */
const SENSORS = {
	label: {
		name: "Label",
		channel: "predictions",
		value_template: "{{ value_json.label }}",
		icon: "mdi:tag",
	},
	domain: {
		name: "Domain",
		channel: "domain",
		value_template: "{{ value_json.name }}",
		icon: "mdi:weather-fog",
		entity_category: "diagnostic",
	},
	adaptation: {
		name: "Adaptation",
		channel: "adaptation",
		value_template: "{{ value_json.state }}",
		icon: "mdi:tune-variant",
		entity_category: "diagnostic",
		device_class: "enum",
		options: ["learning", "holding", "frozen"],
	},
} as const;

export interface DiscoveryOptions {
	readonly broker: Broker;
	/** The base topic. */
	readonly base: string;
	readonly version: string;
	/** The model's name. */
	readonly model: string;
}

/** Tells Home Assistant of the cameras. */
export interface Discovery {
	/** These there are, and no others. */
	update(cameras: readonly string[]): void;
	/** Takes what the broker has kept from another time, and has it forgotten where the camera is gone. */
	hear(message: Incoming): void;
}

/** Home Assistant takes letters, digits, _ and - alone. */
const nodeOf = (base: string) => base.replace(/[^A-Za-z0-9_-]/g, "_");

const topicOf = (base: string, object: string) => `${PREFIX}/sensor/${nodeOf(base)}/${object}/config`;

/** What a discovery wants to hear. */
export const discoveryFilter = (base: string): string => topicOf(base, "+");

/** The configuration of a camera's sensors, by the topic that each belongs under. */
export const sensorsOf = (
	camera: string,
	{ base, version, model }: Omit<DiscoveryOptions, "broker">,
): ReadonlyMap<string, object> => {
	const available = (topic: string) => ({
		topic: `${base}/${topic}`,
		// There are three states here, and Home Assistant knows two.
		value_template: "{{ 'online' if value == 'online' else 'offline' }}",
	});
	return new Map(
		Object.entries(SENSORS).map(([kind, { channel, ...sensor }]) => {
			const object = `${camera}_${kind}`;
			const config = {
				...sensor,
				unique_id: `${nodeOf(base)}_${object}`,
				state_topic: `${base}/${camera}/${channel}`,
				json_attributes_topic: `${base}/${camera}/${channel}`,
				qos: 1,
				availability: [available("available"), available(`${camera}/status`)],
				availability_mode: "all",
				device: {
					identifiers: [`${nodeOf(base)}_${camera}`],
					name: camera,
					manufacturer: "acclimate",
					model,
					sw_version: version,
				},
				origin: { name: "acclimate", sw_version: version },
			};
			return [topicOf(base, object), config];
		}),
	);
};

export const openDiscovery = ({ broker, ...options }: DiscoveryOptions): Discovery => {
	let told: ReadonlyMap<string, object> = new Map();
	const say = (topic: string, payload: object | "") =>
		void broker.send({ topic, payload, retain: true, deliver: "last" });
	return {
		update(cameras) {
			const before = told;
			told = new Map(cameras.flatMap((camera) => [...sensorsOf(camera, options)]));
			for (const [topic, config] of told) say(topic, config);
			for (const topic of before.keys()) if (!told.has(topic)) say(topic, "");
		},
		hear({ topic, payload, retained }) {
			if (retained && !told.has(topic) && isOurs(payload, options.base)) say(topic, "");
		},
	};
};

/** Whether a sensor's configuration is about topics below the base topic: another base may have the same node. */
const isOurs = (payload: string, base: string): boolean => {
	try {
		return String(JSON.parse(payload).state_topic).startsWith(`${base}/`);
	} catch {
		return false;
	}
};
