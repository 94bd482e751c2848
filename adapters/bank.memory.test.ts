import { bankContract } from "./bank.contract.js";
import { openMemoryStore } from "./bank.memory.js";

bankContract("in memory", async () => openMemoryStore());
