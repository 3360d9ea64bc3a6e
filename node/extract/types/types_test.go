package types_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/types"
)

func TestShippedTypesAreValid(t *testing.T) {
	var names []string
	for _, x := range types.Shipped() {
		names = append(names, x.Name)
		if err := x.Validate(); err != nil {
			t.Errorf("%s: %v", x.Name, err)
		}
		if x.Title == "" {
			t.Errorf("%s has no title", x.Name)
		}
	}
	for _, want := range []string{"receipt", "invoice", "identity", "generic"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not shipped; shipped are %v", want, names)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("types are not sorted: %v", names)
	}
}

// TestShippedLabels: a label that stands twice in a field, or both as label and
// as phrase that is none, is a slip of the pen.
func TestShippedLabels(t *testing.T) {
	for _, x := range types.Shipped() {
		for _, f := range x.Fields {
			seen := map[string]bool{}
			for _, l := range f.Labels {
				key := strings.ToLower(strings.TrimPrefix(l, "!"))
				if seen[key] {
					t.Errorf("%s.%s: label %q stands there twice", x.Name, f.Name, l)
				}
				seen[key] = true
				if l != strings.TrimSpace(l) || l == "" || l == "!" {
					t.Errorf("%s.%s: label %q is empty or has blanks around it", x.Name, f.Name, l)
				}
			}
		}
	}
}

// TestShippedAliasesAreUnambiguous: a label set's name must mean one field of a type.
func TestShippedAliasesAreUnambiguous(t *testing.T) {
	for _, x := range types.Shipped() {
		owner := map[string]string{}
		for _, f := range x.Fields {
			for _, a := range append([]string{f.Name}, f.Aliases...) {
				if o, ok := owner[a]; ok {
					t.Errorf("%s: %q means both %s and %s", x.Name, a, o, f.Name)
				}
				owner[a] = f.Name
			}
		}
	}
}

func TestShippedGivesCopies(t *testing.T) {
	a := types.Shipped()
	a[0].Name = "changed"
	if types.Shipped()[0].Name == "changed" {
		t.Error("changing what Shipped gave changed what it gives")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"no JSON":            `{`,
		"unknown key":        `{"name":"a","fields":[{"name":"b","type":"text","labls":["x"]}]}`,
		"unknown field type": `{"name":"a","fields":[{"name":"b","type":"colour"}]}`,
		"bad pattern":        `{"name":"a","fields":[{"name":"b","type":"text","pattern":"("}]}`,
	} {
		if _, err := types.Parse([]byte(s)); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
}
