import { readFileSync } from "node:fs";
import { join } from "node:path";
import { keepSecret } from "./scrub.js";

/** Where secrets are looked up. */
export interface Surroundings {
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Folders of one file a secret, searched in this order after the environment. */
	readonly secretsDirectories: readonly string[];
}

/** The surroundings of this process: its environment, systemd's credentials, Docker's secrets. */
export function surroundings(env: Surroundings["env"] = process.env): Surroundings {
	const credentials = env.CREDENTIALS_DIRECTORY;
	return { env, secretsDirectories: [...(credentials ? [credentials] : []), "/run/secrets"] };
}

/** What looks like the name of a secret, also a misspelt one: taking that for plain text would hide the mistake. */
const REFERENCE = /\{(acclimate_[^{}\s]*)\}/gi;
const NAME = /^ACCLIMATE_[A-Z0-9_]+$/;

/**
 * A text with every `{ACCLIMATE_NAME}` replaced by its secret, and a sentence for each that cannot be had.
 * The sentences name the secret and never hold a value.
 */
export function fill(text: string, from: Surroundings): { readonly filled: string; readonly mistakes: string[] } {
	const mistakes: string[] = [];
	// Meant as a name, certainly: as it stands it would go to the broker as the password.
	if (/^\{\w+\}$/.test(text) && text.replace(REFERENCE, "") !== "") mistakes.push(noName(text.slice(1, -1)));
	const filled = text.replace(REFERENCE, (reference, name: string) => {
		try {
			const value = secret(name, from);
			keepSecret(value);
			return value;
		} catch (error) {
			if (!(error instanceof NoSecret)) throw error;
			mistakes.push(error.message);
			return reference;
		}
	});
	return { filled, mistakes };
}

class NoSecret extends Error {}

const noName = (name: string) => `{${name}} is no name of a secret — write {ACCLIMATE_NAME}: capitals, digits and _`;

function secret(name: string, { env, secretsDirectories }: Surroundings): string {
	if (!NAME.test(name)) {
		throw new NoSecret(noName(name));
	}
	const files = secretsDirectories.map((directory) => join(directory, name.toLowerCase()));
	const value = env[name] ?? firstOf(files, name);
	if (value === undefined) {
		const places = [`the environment variable ${name}`, ...files].join(" or ");
		throw new NoSecret(`unknown secret {${name}} — set ${places}`);
	}
	if (value === "") throw new NoSecret(`the secret {${name}} is empty`);
	return value;
}

/** The first file's text without the newline that editors and `echo` leave at its end. */
function firstOf(files: readonly string[], name: string): string | undefined {
	for (const file of files) {
		try {
			return readFileSync(file, "utf8").replace(/[\r\n]+$/, "");
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code !== "ENOENT" && code !== "ENOTDIR") {
				throw new NoSecret(`the secret {${name}} cannot be read from ${file} (${code})`);
			}
		}
	}
	return undefined;
}
