package fields

import (
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// learnedAmounts are candidates as a learned scorer ranks them, each on a row of its own.
func learnedAmounts(row int, values []string, scores []float64) []scored {
	var out []scored
	for i, v := range values {
		out = append(out, scored{Candidate: Candidate{Type: doc.Money, Value: v, Row: row + i}, score: scores[i], method: byScorer})
	}
	return out
}

// A sum chooses where what learned is in doubt or the other nearly as good, and nowhere else.
func TestSettleSumsOfLearned(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Checks: []string{"net+tax=gross"}, Fields: []doc.FieldSpec{
		{Name: "net", Type: doc.Money}, {Name: "tax", Type: doc.Money}, {Name: "gross", Type: doc.Money},
	}}
	for _, c := range []struct {
		name            string
		net, tax, gross []scored
		want            string // the gross amount
		proven          bool
	}{
		{
			"in doubt", learnedAmounts(0, []string{"496.00"}, []float64{0.93}), learnedAmounts(2, []string{"75.04"}, []float64{0.96}),
			learnedAmounts(4, []string{"160.00", "571.04"}, []float64{0.45, 0.02}), "571.04", true,
		},
		{
			"as good", learnedAmounts(0, []string{"496.00"}, []float64{0.73}), learnedAmounts(2, []string{"75.04"}, []float64{0.96}),
			learnedAmounts(4, []string{"160.00", "571.04"}, []float64{0.87, 0.81}), "571.04", true,
		},
		{
			"sure", learnedAmounts(0, []string{"496.00"}, []float64{0.93}), learnedAmounts(2, []string{"75.04"}, []float64{0.96}),
			learnedAmounts(4, []string{"160.00", "571.04"}, []float64{0.95, 0.1}), "160.00", false,
		},
		{
			"rounded for cash", learnedAmounts(0, []string{"496.00"}, []float64{0.93}), learnedAmounts(2, []string{"75.04"}, []float64{0.96}),
			learnedAmounts(4, []string{"571.05", "571.04"}, []float64{0.8, 0.7}), "571.05", false,
		},
		{
			"two would move", learnedAmounts(0, []string{"500.00", "496.00"}, []float64{0.5, 0.4}), learnedAmounts(2, []string{"75.04"}, []float64{0.96}),
			learnedAmounts(4, []string{"160.00", "571.04"}, []float64{0.45, 0.4}), "160.00", false,
		},
		{
			"no tax is so high", learnedAmounts(0, []string{"190.81"}, []float64{0.9}), learnedAmounts(2, []string{"19.10", "1907.88"}, []float64{0.5, 0.4}),
			learnedAmounts(4, []string{"2098.69"}, []float64{0.9}), "2098.69", false,
		},
	} {
		ranked := [][]scored{c.net, c.tax, c.gross}
		proven := (&reader{}).settleSums(typ, ranked)
		if got := ranked[2][0].Value; got != c.want || proven[2] != c.proven {
			t.Errorf("%s: got %s, proven %v; want %s, %v", c.name, got, proven[2], c.want, c.proven)
		}
	}
}
