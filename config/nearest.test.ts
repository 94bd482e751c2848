import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.js";

const KEYS = ["method", "align", "window", "threshold", "clientId"];

test("a word that is nearly a key suggests that key", () => {
	for (const [written, meant] of [
		["metod", "method"],
		["algin", "align"],
		["Window", "window"],
		["client_id", "clientId"],
		["treshhold", "threshold"],
	]) {
		assert.equal(nearest(written, KEYS), meant);
	}
});

test("a word that is near no key suggests none", () => {
	for (const written of ["memmory", "x", "", "method".repeat(1000)]) assert.equal(nearest(written, KEYS), undefined);
});
