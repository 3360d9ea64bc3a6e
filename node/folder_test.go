package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestWatchedFolder_OneFileOneDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newProcess(t)
	p.configure(fmt.Sprintf("[[folder]]\npath = %q\nquiet = \"200ms\"\n", dir))
	p.start()
	p.ready()
	write := func(name string, body []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one.xml", invoiceXML("F-1"))
	write("two.xml", invoiceXML("F-2"))
	write("empty.pdf", nil)
	p.settled(2)
	for _, s := range p.all() {
		if r := p.record(s.ID); r.Channel != "folder" || r.State == doc.StateFailed {
			t.Errorf("%s: channel %s, state %s", r.Name, r.Channel, r.State)
		}
	}
	p.until("accepted files are moved", func() bool {
		_, err := os.Stat(filepath.Join(dir, "done", "one.xml"))
		return err == nil
	})
}
