package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// process is the built binary running as a node.
type process struct {
	t    *testing.T
	data string
	addr string
	conf string // configuration file; empty: none
	log  *bytes.Buffer
	cmd  *exec.Cmd
	http *http.Client
}

var buildOnce = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("RECTO_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "recto-bin")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "recto")
	out, err := exec.Command("go", "build", "-o", bin, "../cmd/recto").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return bin, nil
})

// patience bounds every wait for an event.
const patience = 3 * time.Minute

// newProcess prepares a node on a fresh data folder; start starts it.
func newProcess(t *testing.T) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, data: filepath.Join(t.TempDir(), "data"), addr: addr, http: &http.Client{Timeout: 10 * time.Second}}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && p.log != nil {
			t.Logf("end of the node's log:\n%s", tail(p.log.String(), 6000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *process) start() {
	p.t.Helper()
	bin, err := buildOnce()
	if err != nil {
		p.t.Fatal(err)
	}
	if p.log == nil {
		p.log = &bytes.Buffer{}
	}
	args := []string{"up", "--data", p.data, "--listen", p.addr}
	if p.conf != "" {
		args = append(args, "--config", p.conf)
	}
	p.cmd = exec.Command(bin, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill is SIGKILL, and waits until the process is gone.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil { // it did not start
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// configure gives the node a configuration file.
func (p *process) configure(text string) {
	p.t.Helper()
	p.conf = filepath.Join(p.t.TempDir(), "recto.toml")
	if err := os.WriteFile(p.conf, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// until polls ok, which is cheap and has no side effect, until it holds.
func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			p.t.Fatalf("waited %v in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

func (p *process) ready() {
	p.t.Helper()
	p.until("the node is ready", func() bool {
		code, _, err := p.call(http.MethodGet, "/readyz", nil)
		return err == nil && code == http.StatusOK
	})
}

// call sends one request with the local key and gives status and body.
func (p *process) call(method, path string, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequest(method, "http://"+p.addr+path, body)
	if err != nil {
		return 0, nil, err
	}
	if raw, err := os.ReadFile(filepath.Join(p.data, "local.json")); err == nil {
		var local struct {
			Key string `json:"key"`
		}
		if json.Unmarshal(raw, &local) == nil {
			req.Header.Set("Authorization", "Bearer "+local.Key)
		}
	}
	if _, isText := body.(*strings.Reader); isText { // JSON; files come as bytes
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// upload sends one file raw and gives the receipt when it was acknowledged.
func (p *process) upload(name string, content []byte) (doc.Receipt, bool) {
	code, body, err := p.call(http.MethodPut, "/api/v1/documents/"+name, bytes.NewReader(content))
	if err != nil || code/100 != 2 {
		return doc.Receipt{}, false
	}
	var r doc.Receipt
	if json.Unmarshal(body, &r) != nil || !r.ID.Valid() {
		return doc.Receipt{}, false
	}
	return r, true
}

// all lists every document the node knows, over all pages of the list.
func (p *process) all() []doc.Summary {
	var out []doc.Summary
	cursor := ""
	for {
		code, body, err := p.call(http.MethodGet, "/api/v1/documents?limit=100&cursor="+cursor, nil)
		if err != nil || code != http.StatusOK {
			return nil
		}
		var l doc.List
		if err := json.Unmarshal(body, &l); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, l.Documents...)
		if cursor = l.Next; cursor == "" {
			return out
		}
	}
}

func (p *process) record(id doc.ID) doc.Record {
	p.t.Helper()
	code, body, err := p.call(http.MethodGet, "/api/v1/documents/"+string(id), nil)
	if err != nil || code != http.StatusOK {
		p.t.Fatalf("document %s: %d %s %v", id, code, body, err)
	}
	var r doc.Record
	if err := json.Unmarshal(body, &r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// settled waits until the node has read n documents.
func (p *process) settled(n int) {
	p.t.Helper()
	p.until("all documents are read", func() bool {
		done := 0
		for _, s := range p.all() {
			if s.State.Settled() {
				done++
			}
		}
		return done >= n
	})
}

// invoiceXML is a small e-invoice with its own number: quick to read, so that a
// test about durability spends its time on durability.
func invoiceXML(number string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>%s</cbc:ID><cbc:IssueDate>2026-11-23</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Papier GmbH</cbc:Name></cac:PartyName></cac:Party></cac:AccountingSupplierParty>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">10.00</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID="EUR">10.00</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID="EUR">11.90</cbc:TaxInclusiveAmount><cbc:PayableAmount currencyID="EUR">11.90</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>`, number)
}

// memory is the resident memory of the process, in MB.
func (p *process) memory(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb >> 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
