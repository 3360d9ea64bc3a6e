//go:build bench

package node_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// curveType is a type as an admin would define it who has seen no document: names,
// kinds and the words that stand near.
const curveType = `{"name":"adbuy","title":"Ad buy","keywords":["contract","advertiser","flight"],"fields":[
	{"name":"contract_num","type":"identifier","labels":["contract","contract #","contract no","order #","invoice #"]},
	{"name":"advertiser","type":"name","labels":["advertiser"]},
	{"name":"gross_amount","type":"money","labels":["gross","gross amount","total","grand total"]},
	{"name":"flight_from","type":"date","hint":"range-start","labels":["flight","flight dates","contract dates","start date"]},
	{"name":"flight_to","type":"date","hint":"range-end","labels":["flight","flight dates","contract dates","end date"]}]}`

type curveCase struct {
	File   string            `json:"file"`
	Fields map[string]string `json:"fields"`
	Born   string            `json:"born"`
	id     doc.ID
}

// TestLearningCurve measures a type that is defined through the API from labels
// alone, then after 3, 10 and 30 documents were corrected: on the others of the
// set that have a text layer, which nobody corrects. RECTO_DATA is the folder of development data.
func TestLearningCurve(t *testing.T) {
	root := os.Getenv("RECTO_DATA")
	if root == "" {
		root = "../../shared/data"
	}
	all := curveCases(t, filepath.Join(root, "vrdu_adbuy"))
	const taught = 30
	p := newProcess(t)
	p.configure("[learn]\nafter = 1000000\nquiet = \"1000h\"\n")
	p.start()
	p.ready()
	p.ask(http.MethodPut, "/api/v1/types/adbuy", curveType, http.StatusOK, nil)
	var spec doc.Type
	if err := json.Unmarshal([]byte(curveType), &spec); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		body, err := os.ReadFile(filepath.Join(root, "vrdu_adbuy", all[i].File))
		if err != nil {
			t.Fatal(err)
		}
		all[i].id = p.deliver(filepath.Base(all[i].File), "adbuy", body).ID
	}
	teach, test := all[:taught], all[taught:]
	t.Logf("%3d corrected: %s", 0, p.rightOf(spec, test))
	done := 0
	for _, upto := range []int{3, 10, 30} {
		for _, c := range teach[done:upto] {
			said := map[string]*string{}
			for _, f := range spec.Fields {
				if v, ok := c.Fields[f.Name]; ok {
					said[f.Name] = &v
				}
			}
			body, err := json.Marshal(doc.Correction{Fields: said, Approve: true})
			if err != nil {
				t.Fatal(err)
			}
			if code, raw, err := p.call(http.MethodPost, "/api/v1/documents/"+string(c.id)+"/review", strings.NewReader(string(body))); err != nil || code != http.StatusOK {
				t.Logf("a label of the set is refused: %d %s %v", code, raw, err)
			}
		}
		done = upto
		p.ask(http.MethodPost, "/api/v1/types/adbuy/train", "", http.StatusAccepted, nil)
		var l doc.ModelList
		p.until("the training ended", func() bool {
			p.ask(http.MethodGet, "/api/v1/types/adbuy/models", "", http.StatusOK, &l)
			return l.Training.State == "idle"
		})
		p.readAgain(test)
		for _, m := range l.Models { // why each is live or not
			t.Logf("    %s %s: %s", m.State, m.Digest, m.Why)
		}
		t.Logf("%3d corrected: %s; live %s; %s", upto, p.rightOf(spec, test), l.Live, l.Training.Error)
	}
}

// curveCases gives the documents with a text layer, in an order that has nothing to do with what
// they are, and is always the same for a RECTO_SEED.
func curveCases(t *testing.T, dir string) []curveCase {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		t.Skipf("no development data: %v", err)
	}
	defer f.Close()
	var out []curveCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c curveCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Born == "text_layer" {
			out = append(out, c)
		}
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("RECTO_SEED"), "3"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(seed, seed)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// readAgain has documents read with what is known now.
func (p *process) readAgain(cases []curveCase) {
	p.t.Helper()
	for _, c := range cases {
		before := p.record(c.id).Revision
		p.ask(http.MethodPost, "/api/v1/documents/"+string(c.id)+"/retry", "", http.StatusAccepted, nil)
		p.until("it is read again", func() bool { r := p.record(c.id); return r.Revision > before+1 && r.State.Settled() })
	}
}

// rightOf counts the labels that were read right.
func (p *process) rightOf(t doc.Type, cases []curveCase) string {
	p.t.Helper()
	n, right := map[string]int{}, map[string]int{}
	for _, c := range cases {
		rec := p.record(c.id)
		for _, f := range t.Fields {
			label, ok := c.Fields[f.Name]
			if !ok {
				continue
			}
			n[f.Name]++
			n[""]++
			if got := fieldOf(rec, f.Name); fields.CompareForm(f.Type, got.Value) == fields.CompareForm(f.Type, label) {
				right[f.Name]++
				right[""]++
			}
		}
	}
	out := fmt.Sprintf("%.1f %% of %d", 100*float64(right[""])/float64(n[""]), n[""])
	for _, f := range t.Fields {
		out += fmt.Sprintf(", %s %.0f", f.Name, 100*float64(right[f.Name])/float64(max(1, n[f.Name])))
	}
	return out
}
