// Loaded before any .ts file of the project, with `node --require`. Plain JavaScript of an old kind, so that a Node
// which can't run the rest gets a sentence and not a stack trace.
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");
const { execPath, exit, stderr, versions } = require("node:process");

const [major = 0, minor = 0] = versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  stderr.write(
    `Bramble needs Node 22.18 or newer; ${execPath} is Node ${versions.node}.\n` +
      "The project brings its own: run `npm ci` once, then use the npm scripts (npm run preview …), or put it first on\n" +
      'PATH: eval "$(npm run -s bramble -- env)"\n',
  );
  exit(1);
}

// Types are stripped and modules compiled once, and not at each start: a step of a stack starts in half the time.
enableCompileCache(join(__dirname, ".bramble/compiled"));
