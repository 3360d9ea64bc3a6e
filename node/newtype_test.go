package node_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// permitType is a type as an admin would write it down in five minutes. The words for the
// fee are wrong: the forms print others.
const permitType = `{"name":"permit","title":"Permit","keywords":["building permit"],"fields":[
	{"name":"office","type":"name","hint":"top","required":true},
	{"name":"permit_no","type":"identifier","required":true,"labels":["permit no"]},
	{"name":"issued","type":"date","labels":["issued"]},
	{"name":"fee","type":"money","required":true,"labels":["amount payable"]}]}`

// permit is the n-th form of an office, with what stands on it.
func permit(n int) (content []byte, said map[string]string) {
	said = map[string]string{"office": "Riverside Building Office", "permit_no": fmt.Sprintf("BP-%d", 4400+37*n), "issued": fmt.Sprintf("2026-11-%02d", 3+n),
		"fee": fmt.Sprintf("%d.50", 140+11*n)}
	return page([3]any{60, 780, said["office"]}, [3]any{60, 764, "12 Quay Street, Harbour Town"}, [3]any{60, 748, "Tel +44 20 7946 0111"},
		[3]any{60, 700, "Building permit"}, [3]any{60, 670, "Permit no " + said["permit_no"]}, [3]any{60, 650, "Issued " + said["issued"]},
		[3]any{60, 610, fmt.Sprintf("Cost of works %d.00", 90000+n)}, [3]any{60, 590, "Levy for inspection " + said["fee"]}, [3]any{60, 570, fmt.Sprintf("Deposit held %d.00", 500+n)}), said
}

// TestNewType_OfThreeExamplesReadsTheFourth: an admin defines a type, drops three
// examples, corrects what is wrong, and the fourth is right in each field, although no
// model was made and none was asked: the rules read it, and what was confirmed of the office. What was
// corrected helps on the form of another office too.
func TestNewType_OfThreeExamplesReadsTheFourth(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	p.ask(http.MethodPut, "/api/v1/types/permit", permitType, http.StatusOK, nil)
	wrong := 0
	for n := range 3 {
		content, said := permit(n)
		rec := p.deliver(fmt.Sprintf("%d.pdf", n), "permit", content)
		fix := ""
		for name, want := range said {
			if f := fieldOf(rec, name); fields.CompareForm(f.Type, f.Value) != fields.CompareForm(f.Type, want) {
				fix += fmt.Sprintf(",%q:%q", name, want)
				wrong++
			}
		}
		if fix != "" {
			fix = fix[1:]
		}
		p.review(rec.ID, `{"fields":{`+fix+`},"approve":true}`)
	}
	if wrong == 0 {
		t.Fatal("nothing had to be corrected: the test tests nothing")
	}
	// Another office prints the fee behind the same words, elsewhere on the page.
	other := page([3]any{300, 790, "Highland Planning Authority"}, [3]any{300, 774, "4 Castle Wynd, Inverness"}, [3]any{300, 758, "Tel +44 1463 555 019"},
		[3]any{60, 500, "Building permit"}, [3]any{60, 480, "Levy for inspection 321.00"}, [3]any{60, 460, "Permit no HP-77"})
	if f := fieldOf(p.deliver("other.pdf", "permit", other), "fee"); f.Value != "321.00" {
		t.Errorf("the fee of another office: %+v", f)
	}
	var list doc.ModelList
	p.ask(http.MethodGet, "/api/v1/types/permit/models", "", http.StatusOK, &list)
	if want := (doc.LabelUse{Field: "fee", Label: "Levy for inspection", Learned: true, Right: 3, Of: 3}); !slices.Contains(list.Labels, want) {
		t.Errorf("labels %+v, want %+v among them", list.Labels, want)
	}
	content, said := permit(3)
	rec := p.deliver("fourth.pdf", "permit", content)
	for name, want := range said {
		f := fieldOf(rec, name)
		if fields.CompareForm(f.Type, f.Value) != fields.CompareForm(f.Type, want) || f.Source == doc.FromPerson || f.Model != "" {
			t.Errorf("%s of the fourth: %+v, want %s", name, f, want)
		}
	}
	t.Logf("%d values were corrected on three examples", wrong)
}
