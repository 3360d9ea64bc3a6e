package node

import (
	"bytes"
	"fmt"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/extract/split"
)

// WriteSeparator writes a separator sheet to print as PDF. With typ, the document
// behind it is read as that type.
func WriteSeparator(file, typ string) error {
	b, err := split.Sheet(typ)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(file, bytes.NewReader(b)); err != nil {
		return fmt.Errorf("write separator sheet: %w", err)
	}
	return nil
}
