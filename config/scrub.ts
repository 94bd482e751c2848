import { masked, STARS } from "./mask.js";

/*
 * What this process prints passes through here: a secret may turn up where nobody thought of it, in what ffmpeg, a broker
 * or the network says. The secrets are the process's, not one configuration's: after a reload the old ones are still secret.
 */

const known = new Set<string>();

/** Shorter ones would take the ordinary words of a log with them. */
const SHORTEST = 4;

/** Makes `scrubbed` know a secret. */
export function keepSecret(secret: string): void {
	if (secret.length < SHORTEST) return;
	for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) known.add(form);
}

const SECRET_KEY = /pass|pwd|secret|token|auth|signature/i;

/** Makes `scrubbed` know every password in a configuration: those called so, and those in its URLs. */
export function keepSecretsOf(value: unknown, key = ""): void {
	if (typeof value === "string") {
		if (SECRET_KEY.test(key)) keepSecret(value);
		if (URL.canParse(value)) keepCredentials(new URL(value));
	} else if (typeof value === "object" && value !== null) {
		for (const [inner, of] of Object.entries(value)) keepSecretsOf(of, inner);
	}
}

function keepCredentials({ username, password, searchParams }: URL): void {
	for (const part of [password === "" ? username : password]) {
		keepSecret(part);
		keepSecret(decoded(part));
	}
	for (const [key, value] of searchParams) if (SECRET_KEY.test(key)) keepSecret(value);
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part; // a percent sign that is one
	}
}

/** A text without the secrets that this process knows, and without what stands before the @ of any URL. */
export function scrubbed(text: string): string {
	let clean = text;
	for (const secret of [...known].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, STARS);
	return clean.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>/]*@/gi, masked);
}
