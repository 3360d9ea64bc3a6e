package members_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/members"
)

func TestAlarms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	well := func() doc.ClusterView {
		v := doc.ClusterView{Leader: "a", Level: 2, At: now, Log: doc.LogView{Replicas: 3, Want: 3}}
		for _, id := range []string{"a", "b", "c"} {
			v.Members = append(v.Members, doc.Member{ID: id, Name: id, State: doc.MemberActive, Up: true, Levels: [2]int{1, 2},
				DiskUsed: 10, DiskFree: 90, CertUntil: now.AddDate(0, 2, 0), LogCopy: true, LogSeq: 5})
		}
		return v
	}
	for _, c := range []struct {
		name   string
		change func(*doc.ClusterView)
		want   []string // codes in order
	}{
		{"all is well", func(*doc.ClusterView) {}, nil},
		{"one down", func(v *doc.ClusterView) { v.Members[1].Up = false }, []string{"no_margin", "member_down"}},
		{"two down", func(v *doc.ClusterView) { v.Members[1].Up, v.Members[2].Up = false, false }, []string{"no_quorum", "member_down", "member_down"}},
		{"no leader", func(v *doc.ClusterView) { v.Leader = "" }, []string{"no_leader"}},
		{"no leader and two down", func(v *doc.ClusterView) { v.Leader, v.Members[1].Up, v.Members[2].Up = "", false, false }, []string{"no_quorum", "member_down", "member_down"}},
		{"disk", func(v *doc.ClusterView) { v.Members[0].DiskUsed = 900 }, []string{"disk"}},
		{"clock", func(v *doc.ClusterView) { v.Members[0].ClockSkew = -6 }, []string{"clock"}},
		{"certificate", func(v *doc.ClusterView) { v.Members[2].CertUntil = now.AddDate(0, 0, 3) }, []string{"certificate"}},
		{"behind", func(v *doc.ClusterView) { v.Members[2].LogBehind = 5000 }, []string{"replica_behind"}},
		{"version", func(v *doc.ClusterView) { v.Level = 3 }, []string{"version", "version", "version"}},
		{"damaged", func(v *doc.ClusterView) { v.Copies.Damaged = 2 }, []string{"damaged"}},
		{"bucket", func(v *doc.ClusterView) { v.Copies.Away, v.Copies.Waiting = "refused", 3 }, []string{"bucket"}},
		{"copies", func(v *doc.ClusterView) { v.Log.Replicas = 1 }, []string{"copies"}},
		{"removed members worry nobody", func(v *doc.ClusterView) {
			v.Members = append(v.Members, doc.Member{ID: "d", State: doc.MemberRemoved})
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := well()
			c.change(&v)
			var got []string
			for _, a := range members.Alarms(v) {
				got = append(got, a.Code)
				if a.Text == "" {
					t.Errorf("%s says nothing", a.Code)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	some := func(n int, down ...int) []doc.Member {
		out := []doc.Member{{Name: "old", State: doc.MemberRemoved}}
		for i := range n {
			out = append(out, doc.Member{Name: fmt.Sprintf("m%d", i), State: doc.MemberActive, Up: !slices.Contains(down, i)})
		}
		return out
	}
	for _, c := range []struct {
		all  []doc.Member
		want string
	}{
		{some(1), "One member"},
		{some(2), "Two members"},
		{some(2, 1), "Too few"},
		{some(3), "any one of them may fail"},
		{some(3, 2), "No other member may fail as long as this is away: m2."},
		{some(3, 0, 1), "Too few"},
		{some(4, 3), "No other member"},
		{some(5), "any two of them"},
		{some(5, 4), "One more member may fail"},
		{some(5, 0, 4), "No other member may fail as long as this is away: m0, m4."},
	} {
		if got := members.Advice(c.all); !strings.Contains(got, c.want) {
			t.Errorf("%d: %q, want %q in it", len(c.all)-1, got, c.want)
		}
	}
}
