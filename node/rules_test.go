package node_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the house, kept by a test: who may import whom, where each
// library lives, and how large a file or a function may grow.

const module = "github.com/recto-edge/recto/"

// layers says which of our own packages a package may import. The longest
// prefix of the importing package decides; "" allows nothing of ours.
var layers = map[string][]string{
	"cmd":                 {"node", "node/client", "node/doc"},
	"cluster":             {},
	"embedded":            {"embedded/durable", "embedded/wasmcode"},
	"embedded/precompile": {"embedded/pdfium", "embedded/zxing"},
	"embedded/brokertest": {"embedded/broker"},
	"ui":                  {},
	"node/nodetest":       {"node", "node/client", "node/doc"},
	"node":                {"node", "cluster", "embedded", "ui"},
	"node/doc":            {},
	"node/client":         {"node/doc"},
	"node/extract":        {"node/doc", "node/extract"},
	"node/eval":           {"node/doc"},
	"node/api":            {"node/doc", "node/auth", "ui", "node/api", "embedded/durable"},
	"node/intake":         {"node/doc", "embedded/durable"},
	"node/queue":          {"node/doc"},
	"node/blob":           {"node/doc", "embedded/durable", "node/blob"},
	"node/cache":          {"node/doc", "embedded/durable"},
	"node/auth":           {"node/doc"},
	"node/learn":          {"node/doc", "node/extract"},
	"node/llm":            {"node/doc"},
	"node/replicate":      {"node/doc"},
	"node/members":        {"node/doc"},
	"node/telemetry":      {},
	"node/extract/types":  {"node/doc"},
	"node/chaos":          {"node/doc", "node/client", "node/chaos"}, // breaks clusters from outside; nothing imports it
}

// homes says which packages may import a library.
var homes = map[string][]string{
	"github.com/nats-io/nats-server/":     {"embedded/broker", "node/chaos"},
	"github.com/nats-io/nats.go":          {"node/queue", "node/chaos"},
	module + "node/chaos":                 {"node/chaos"}, // for tests: no product imports it
	"github.com/hashicorp/raft":           {"cluster"},
	"go.etcd.io/bbolt":                    {"node/cache", "cluster"},
	"github.com/minio/minio-go/":          {"node/blob", "node/intake"},
	"github.com/klippa-app/go-pdfium":     {"embedded/pdfium"},
	"github.com/tetratelabs/wazero":       {"embedded"},
	"github.com/yalue/onnxruntime_go":     {"embedded/onnx"},
	"github.com/jackc/pgx/":               {"node/replicate"},
	"github.com/gofiber/fiber/":           {"node/api"},
	"github.com/prometheus/client_golang": {"node/telemetry", "node"},
	"github.com/getkin/kin-openapi":       {"node/api"},
	"github.com/chromedp/":                {"ui", "node/api", "node"},
	"golang.org/x/text/":                  {"node/extract", "node/auth"},
	"github.com/fsnotify/":                {"node/intake"},
	"github.com/BurntSushi/toml":          {"node"},
	"golang.org/x/crypto/argon2":          {"node/auth"},
}

type source struct {
	path, pkg string // relative to the module root: file, and its folder
	file      *ast.File
	fset      *token.FileSet
	lines     int
	test      bool
}

func sources(t *testing.T) []source {
	t.Helper()
	root := ".."
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != root && (strings.HasPrefix(n, ".") || n == "testdata" || n == "bin" || n == "models") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, body, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out = append(out, source{rel, filepath.ToSlash(filepath.Dir(rel)), f, fset, strings.Count(string(body), "\n"), strings.HasSuffix(rel, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d files only: is the test run from its own folder?", len(out))
	}
	return out
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// allowed gives the rule with the longest prefix of pkg.
func allowed(pkg string) ([]string, bool) {
	best, found := "", false
	for folder := range layers {
		if within(pkg, folder) && len(folder) >= len(best) {
			best, found = folder, true
		}
	}
	return layers[best], found
}

func TestImportsPointDownward(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || s.pkg == "node" { // the composition root wires everything; tests may wire what they test
			continue
		}
		rule, ok := allowed(s.pkg)
		if !ok {
			t.Errorf("%s: package %s is in no layer", s.path, s.pkg)
		}
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			own, ours := strings.CutPrefix(path, module)
			if ours && !within(own, s.pkg) && !slices.ContainsFunc(rule, func(r string) bool {
				return own == r || (r != "node" && within(own, r))
			}) {
				t.Errorf("%s imports %s, which its layer may not", s.path, own)
			}
		}
	}
}

func TestLibrariesHaveOneHome(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for lib, where := range homes {
				if strings.HasPrefix(path, lib) && !slices.ContainsFunc(where, func(h string) bool { return s.pkg == h || (h != "node" && within(s.pkg, h)) }) {
					t.Errorf("%s imports %s, which lives in %v", s.path, path, where)
				}
			}
		}
	}
}

func TestNamesAreNouns(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "manager", "models", "misc", "base"}, name) {
			t.Errorf("%s: package name %q says nothing", s.path, name)
		}
	}
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	t.Parallel()
	const maxFile, maxFunc = 700, 80
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, over %d", s.path, s.lines, maxFile)
		}
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1
			if n > maxFunc && !strings.Contains(fn.Doc.Text(), "One piece") {
				t.Errorf("%s: %s has %d lines, over %d (say \"One piece: why\" in its comment if it must)", s.path, fn.Name.Name, n, maxFunc)
			}
		}
	}
}

// forbidden calls (embedded/onnx/pack and embedded/precompile are programs of the build): selector, where it is allowed, and why it is forbidden.
var forbidden = []struct {
	pkg, name string
	homes     []string
	tests     bool // also in tests
	why       string
}{
	{"os", "WriteFile", []string{"embedded/durable", "embedded/onnx/pack", "embedded/precompile"}, false, "data files are written by embedded/durable alone"},
	{"os", "Exit", []string{"cmd", "node/chaos/cmd", "embedded/onnx/pack", "embedded/precompile"}, false, "only main ends the process"},
	{"log", "Fatal", nil, false, "only main ends the process"},
	{"time", "Sleep", []string{"embedded", "cluster", "node/client"}, false, "wait for events or a timer with a context"},
	{"http", "DefaultClient", nil, false, "it has no timeout"},
}

func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, f := range forbidden {
				if x.Name != f.pkg || sel.Sel.Name != f.name || (s.test && !f.tests) {
					continue
				}
				if !slices.ContainsFunc(f.homes, func(h string) bool { return within(s.pkg, h) }) {
					t.Errorf("%s:%d: %s.%s: %s", s.path, s.fset.Position(n.Pos()).Line, f.pkg, f.name, f.why)
				}
			}
			return true
		})
	}
}
