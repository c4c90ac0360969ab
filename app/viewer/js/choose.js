// Which stage: 3Dmol where it can run, else the flat one and a sentence that says why.
import { FlatStage } from "./flat.js";
import { loadLibrary, takeStage } from "./stage.js";

const NO_WEBGL =
  "This browser offers no WebGL, so the scene is drawn flat. Turn on hardware acceleration in " +
  "the browser's settings, or use another browser, for the 3D view.";

/** {stage, sentence}: a stage in `host`; the sentence is empty when it is the 3D one. */
export async function chooseStage({ missing, url, sentence }, rows, cols, host, opaque) {
  let library;
  try {
    if (missing) throw new Error(sentence);
    library = await loadLibrary(url);
  } catch {
    return { stage: new FlatStage(rows, cols, host), sentence };
  }
  try {
    return { stage: takeStage(library, rows, cols, host, opaque), sentence: "" };
  } catch {
    host.replaceChildren();
    return { stage: new FlatStage(rows, cols, host), sentence: NO_WEBGL };
  }
}
