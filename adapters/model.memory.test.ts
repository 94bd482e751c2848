import { modelContract } from "./model.contract.js";
import { memoryModel } from "./model.memory.js";

modelContract("the model in memory", async () => memoryModel());
