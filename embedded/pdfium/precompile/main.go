// Command precompile compiles PDFium to machine code for the machine it runs on
// and writes it to where the package pdfium embeds it. It is run by the build and
// never ships.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/recto-edge/recto/embedded/pdfium"
)

func main() {
	out := flag.String("out", "", "`file` to write")
	flag.Parse()
	if err := precompile(*out); err != nil {
		fmt.Fprintln(os.Stderr, "precompile:", err)
		os.Exit(1)
	}
}

func precompile(out string) error {
	var b bytes.Buffer
	if err := pdfium.Pack(&b); err != nil {
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
