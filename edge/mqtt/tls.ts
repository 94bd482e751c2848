import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { BrokerOptions } from "../../adapters/broker.options.js";
import type { Config } from "../../config/schema.js";
import { EdgeError } from "../../operators/types.js";

type Tls = NonNullable<NonNullable<Config["mqtt"]>["tls"]>;

/**
 * What the configured files hold.
 * @throws {EdgeError} `broker` when one cannot be read, is none in PEM, or the key is not the certificate's
 */
export const filesOf = ({ rejectUnauthorized, ...files }: Tls): NonNullable<BrokerOptions["tls"]> => {
	const held = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, contents(file)]));
	for (const used of [{ ca: held.ca }, { cert: held.cert }, { key: held.key }, { cert: held.cert, key: held.key }])
		try {
			createSecureContext(Object.fromEntries(Object.entries(used).filter(([, file]) => file !== undefined)));
		} catch (error) {
			const keys = Object.keys(used);
			const names = keys.map((key) => files[key as keyof typeof files]).join(" and ");
			const says = keys.length > 1 ? "do not belong together" : "cannot be used";
			throw new EdgeError("broker", `${names} ${says} (${(error as Error).message})`);
		}
	return { ...held, rejectUnauthorized };
};

const contents = (file: string): Buffer => {
	try {
		return readFileSync(file);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw new EdgeError("broker", `${file} ${code === "ENOENT" ? "does not exist" : `cannot be read (${code})`}`);
	}
};
