// Builds dist/: one stylesheet, the script islands, the fonts and images they
// name, each under a name that holds its hash, packed with gzip and brotli
// beside it; manifest.json maps plain names to hashed ones.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");

const scss = {
  name: "scss",
  setup(build) {
    build.onLoad({ filter: /\.scss$/ }, ({ path: file }) => {
      const { css, loadedUrls } = sass.compile(file, {
        loadPaths: [path.join(here, "node_modules/@uswds/uswds/packages")],
        quietDeps: true,
        silenceDeprecations: ["if-function", "import", "global-builtin"],
        logger: { warn() {}, debug() {} },
      });
      return { contents: css, loader: "css", resolveDir: path.dirname(file), watchFiles: loadedUrls.map((u) => u.pathname) };
    });
  },
};

// Entry points: styles/lgsp.scss, every image, and every script that is no module of another.
const scripts = readdirSync(path.join(here, "scripts")).filter((f) => f.endsWith(".ts") && !f.startsWith("_"));
const images = readdirSync(path.join(here, "images")).map((f) => `images/${f}`);
const entries = ["styles/lgsp.scss", ...images, ...scripts.map((f) => `scripts/${f}`)];

mkdirSync(dist, { recursive: true });
const { metafile } = await esbuild.build({
  absWorkingDir: here,
  entryPoints: entries,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: "dist",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  target: ["chrome100", "firefox100", "safari15"],
  format: "iife",
  loader: { ".woff2": "file", ".svg": "copy", ".png": "copy" },
  plugins: [scss],
  logLevel: "warning",
});

const manifest = {};
const kept = new Set([".keep", "manifest.json"]); // .keep lets a fresh clone compile before the first build
for (const [out, { entryPoint, inputs }] of Object.entries(metafile.outputs)) {
  const source = entryPoint ?? Object.keys(inputs)[0];
  const plain = path.basename(source).replace(/\.scss$/, ".css").replace(/\.ts$/, ".js");
  manifest[plain] = path.basename(out);
  for (const packed of ["", ".gz", ".br"]) kept.add(path.basename(out) + packed);
  if (/\.(css|js|svg)$/.test(out)) {
    const file = path.join(here, out);
    const text = readFileSync(file);
    writeFileSync(file + ".gz", gzipSync(text, { level: 9 }));
    writeFileSync(file + ".br", brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    if (entryPoint) console.log(`${plain} ${text.length} bytes`);
  }
}
writeFileSync(path.join(dist, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
for (const file of readdirSync(dist)) if (!kept.has(file)) rmSync(path.join(dist, file));
