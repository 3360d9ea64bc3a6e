// Command precompile compiles an engine's WebAssembly module to machine code for
// the machine it runs on and writes it to where the engine embeds it. It is run by
// the build and never ships.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/recto-edge/recto/embedded/pdfium"
	"github.com/recto-edge/recto/embedded/zxing"
)

var engines = map[string]func(io.Writer) error{"pdfium": pdfium.Pack, "zxing": zxing.Pack}

func main() {
	engine := flag.String("engine", "", "pdfium or zxing")
	out := flag.String("out", "", "`file` to write")
	flag.Parse()
	if err := precompile(*engine, *out); err != nil {
		fmt.Fprintln(os.Stderr, "precompile:", err)
		os.Exit(1)
	}
}

func precompile(engine, out string) error {
	pack, ok := engines[engine]
	if !ok {
		return fmt.Errorf("no engine %q", engine)
	}
	var b bytes.Buffer
	if err := pack(&b); err != nil {
		return err
	}
	temp := out + ".tmp"
	if err := os.WriteFile(temp, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write machine code: %w", err)
	}
	if err := os.Rename(temp, out); err != nil {
		return fmt.Errorf("keep machine code: %w", err)
	}
	return nil
}
