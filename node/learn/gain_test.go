package learn

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// docsOf makes n documents of a vendor, each with a gain.
func docsOf(vendor string, n, gain int) []outcome {
	out := make([]outcome, n)
	for i := range out {
		out[i] = outcome{vendor: vendor, fields: 4, right: 2 + gain, before: 2}
	}
	return out
}

func many(vendors, each, gain int) []outcome {
	var out []outcome
	for v := range vendors {
		out = append(out, docsOf(fmt.Sprint("v", v), each, gain)...)
	}
	return out
}

func TestGain_ProvesOnlyWhatVendorsProve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outs []outcome
		low  func(float64) bool
	}{
		"nothing":                              {nil, func(x float64) bool { return x == 0 }},
		"five vendors, all better":             {many(5, 2, 1), func(x float64) bool { return x > 0.9 }},
		"four vendors are too few":             {many(4, 50, 1), func(x float64) bool { return x == -4 }},
		"one vendor with a hundred documents":  {append(docsOf("big", 100, 2), many(6, 1, -1)...), func(x float64) bool { return x < 0 }},
		"no difference":                        {many(8, 3, 0), func(x float64) bool { return x == 0 }},
		"worse":                                {many(8, 3, -1), func(x float64) bool { return x < -0.9 }},
		"better at fourteen, worse at another": {append(many(14, 2, 1), docsOf("odd", 2, -1)...), func(x float64) bool { return x > 0.5 && x < 0.9 }},
	} {
		g := gainOf(c.outs)
		if !c.low(g.Low) || g.Low > g.Mean || g.High < g.Mean || g.Documents != len(c.outs) {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

// Where there is no gain, one in twenty is called better at most.
func TestGain_ErrsAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	const trials = 400
	wrong := 0
	for range trials {
		var outs []outcome
		for v := range 10 {
			for range 1 + rnd.IntN(6) { // vendors of one mind, of very different size
				outs = append(outs, docsOf(fmt.Sprint("v", v), 1, 0)...)
				outs[len(outs)-1].right += rnd.IntN(3) - 1
			}
			if turn := rnd.IntN(3) - 1; turn != 0 {
				for i := range outs {
					if outs[i].vendor == fmt.Sprint("v", v) {
						outs[i].right += turn
					}
				}
			}
		}
		if gainOf(outs).Low > 0 {
			wrong++
		}
	}
	if wrong > trials*8/100 { // 5 % and three standard errors
		t.Errorf("%d of %d gains that are none were called proven", wrong, trials)
	}
}

func TestVerdict_SaysWhatGoesLive(t *testing.T) {
	t.Parallel()
	live := &fields.Model{}
	for name, c := range map[string]struct {
		low, high float64
		live      *fields.Model
		gone      int
		better    bool
		says      string
	}{
		"proven":                                 {0.1, 0.3, live, 0, true, "better"},
		"not proven":                             {-0.1, 0.3, live, 0, false, "aside"},
		"the same as a model":                    {0, 0, live, 0, false, "aside"},
		"the same as the rules":                  {0, 0, nil, 0, true, "rules"},
		"worse than the rules":                   {-0.2, 0.1, nil, 0, false, "aside"},
		"trained on what is erased":              {-0.1, 0.3, live, 2, true, "erased"},
		"trained on what is erased, and no help": {-0.3, -0.1, live, 2, false, "aside"},
	} {
		better, why := verdictOn(doc.Gain{Documents: 9, Vendors: 6, Low: c.low, High: c.high}, c.live, c.gone)
		if better != c.better || !strings.Contains(why, c.says) {
			t.Errorf("%s: %v %q", name, better, why)
		}
	}
	if better, _ := verdictOn(doc.Gain{}, nil, 3); better {
		t.Error("a model that was compared on nothing goes live")
	}
}

func TestParts_KeepVendorsTogether(t *testing.T) {
	t.Parallel()
	var vendors []string
	for i := range 40 {
		vendors = append(vendors, fmt.Sprint("v", i%7))
	}
	of, size := map[string]int{}, make([]int, 5)
	for i, p := range parts(vendors, 5) {
		if was, ok := of[vendors[i]]; ok && was != p {
			t.Errorf("vendor %s is in two parts", vendors[i])
		}
		of[vendors[i]] = p
		size[p]++
	}
	for p, n := range size {
		if n == 0 {
			t.Errorf("part %d is empty: %v", p, size)
		}
	}
}
