// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds the pages: fetches their libraries (npm ci), checks the types (tsc), bundles (esbuild),
// compresses, and writes one C file with all of it, which pmss-control links. Meson runs it:
//
//   node build.mjs SOURCE STAGE OUTPUT.c DEPFILE GLIB_COMPILE_RESOURCES auto|enabled
//
// STAGE is a folder of the build: nothing is written into the source tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';

const [source, stage, output, depfile] = process.argv.slice(2, 6).map((name) => path.resolve(name));
const [compiler, feature] = process.argv.slice(6);
const MANIFEST = ['package.json', 'package-lock.json', '.npmrc'];
const COPIED = ['tsconfig.json', 'src'];
const COMPRESSIBLE = /\.(html|js|css|svg|json|webmanifest)$/;

class NoLibraries extends Error {}

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: stage, encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  const text = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`;
  return { ok: done.status === 0, text };
}

function filesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(file) : [file];
  });
}

function copySources() {
  for (const name of [...MANIFEST, ...COPIED]) {
    fs.rmSync(path.join(stage, name), { recursive: true, force: true });
    fs.cpSync(path.join(source, name), path.join(stage, name), { recursive: true });
  }
}

// The libraries of the lock file, fetched once for each content of it.
function installLibraries() {
  const hash = createHash('sha256');
  for (const name of MANIFEST) hash.update(fs.readFileSync(path.join(stage, name)));
  const wanted = hash.digest('hex');
  const stamp = path.join(stage, 'node_modules', '.pmss-stamp');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return;
  const done = run('npm', ['ci', '--no-progress', '--prefer-offline']);
  if (!done.ok)
    throw new NoLibraries(`npm ci could not fetch the pages' libraries:\n${done.text.trim()}`);
  fs.writeFileSync(stamp, wanted);
}

function checkTypes() {
  const tsc = path.join(stage, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = run(process.execPath, [tsc, '-p', 'tsconfig.json', '--pretty', 'false']);
  if (!done.ok) throw new Error(`The types of the pages do not fit:\n${done.text}`);
}

// Bundles into @out; returns the names of the files that index.html names, by entry.
async function bundle(out) {
  const require = createRequire(path.join(stage, 'package.json'));
  const esbuild = await import(pathToFileURL(require.resolve('esbuild')).href);
  const common = {
    absWorkingDir: stage,
    bundle: true,
    minify: true,
    metafile: true,
    target: ['chrome110', 'firefox115', 'safari16'],
    outdir: path.join(out, 'assets'),
    legalComments: 'none',
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'file' },
    assetNames: '[name]-[hash]',
  };
  const results = [
    await esbuild.build({
      ...common,
      entryPoints: { main: 'src/main.tsx' },
      format: 'esm',
      splitting: true,
      jsx: 'automatic',
      jsxImportSource: 'preact',
      entryNames: '[name]-[hash]',
      chunkNames: '[name]-[hash]',
    }),
    // set before anything is drawn, so in a classic script of its own
    await esbuild.build({ ...common, entryPoints: { first: 'src/first.ts' }, format: 'iife', entryNames: '[name]-[hash]' }),
    await esbuild.build({ ...common, entryPoints: { icon: 'src/icon.svg' }, entryNames: '[name]-[hash]', loader: { '.svg': 'copy' } }),
  ];
  const names = {};
  for (const { metafile } of results)
    for (const [file, made] of Object.entries(metafile.outputs)) {
      if (!made.entryPoint) continue;
      names[path.basename(made.entryPoint)] = path.basename(file);
      if (made.cssBundle) names['main.css'] = path.basename(made.cssBundle);
    }
  return names;
}

function writeIndex(out, names) {
  let text = fs.readFileSync(path.join(stage, 'src', 'index.html'), 'utf8');
  text = text.replace(/\{\{(.*?)\}\}/g, (_, name) => {
    if (!names[name]) throw new Error(`index.html names ${name}, which was not built`);
    return `/assets/${names[name]}`;
  });
  fs.writeFileSync(path.join(out, 'index.html'), text);
}

function compress(out) {
  for (const file of filesBelow(out).filter((name) => COMPRESSIBLE.test(name))) {
    const plain = fs.readFileSync(file);
    const params = {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    };
    fs.writeFileSync(`${file}.gz`, zlib.gzipSync(plain, { level: 9 }));
    fs.writeFileSync(`${file}.br`, zlib.brotliCompressSync(plain, { params }));
  }
}

function writeResources(out) {
  const files = filesBelow(out).map((name) => path.relative(out, name)).sort();
  const xml = path.join(stage, 'pages.gresource.xml');
  fs.writeFileSync(xml, `<?xml version="1.0" encoding="UTF-8"?>
<gresources>
  <gresource prefix="/org/pmss/pages">
${files.map((name) => `    <file>${name}</file>`).join('\n')}
  </gresource>
</gresources>
`);
  const done = run(compiler, ['--generate-source', '--c-name=pmss_pages', `--sourcedir=${out}`, `--target=${output}`, xml]);
  if (!done.ok) throw new Error(`${compiler}: ${done.text}`);
}

function writeDepfile() {
  const files = [...MANIFEST.map((name) => path.join(source, name)), path.join(source, 'tsconfig.json'),
    ...filesBelow(path.join(source, 'src'))];
  fs.writeFileSync(depfile, `${path.relative(process.cwd(), output)}: ${files.map((name) => name.replace(/ /g, '\\ ')).join(' ')}\n`);
}

async function main() {
  const out = path.join(stage, 'out');
  fs.mkdirSync(stage, { recursive: true });
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(path.join(out, 'assets'), { recursive: true });
  copySources();
  try {
    installLibraries();
    checkTypes();
    writeIndex(out, await bundle(out));
    compress(out);
  } catch (error) {
    if (!(error instanceof NoLibraries) || feature === 'enabled') throw error;
    console.error(`${error.message}\n\nThe pages are left out of this build; everything else is built. ` +
      `Delete ${output} and build again when the registry can be reached, or set -Dweb=disabled.`);
  }
  writeResources(out);
  writeDepfile();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
