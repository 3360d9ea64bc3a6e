package doc_test

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestClusterView_Unsettled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want   string
		change func(*doc.ClusterView)
	}{
		{"", func(*doc.ClusterView) {}},
		{"", func(v *doc.ClusterView) { v.Members[0].State = doc.MemberRemoved; v.Members[0].Up = false }},
		{"", func(v *doc.ClusterView) { v.Members[1].State = doc.MemberDraining }},
		{"who leads", func(v *doc.ClusterView) { v.Leader = "" }},
		{"copies move", func(v *doc.ClusterView) { v.Steps = []doc.ClusterStep{{Text: "copies move"}} }},
		{"attic joins", func(v *doc.ClusterView) { v.Members[1].State = doc.MemberJoining }},
		{"attic leaves", func(v *doc.ClusterView) { v.Members[1].State = doc.MemberLeaving }},
		{"attic does not answer", func(v *doc.ClusterView) { v.Members[1].Up = false }},
		{"attic is not ready", func(v *doc.ClusterView) { v.Members[1].Ready = false }},
		{"attic is catching up: a copy", func(v *doc.ClusterView) { v.Members[1].Behind = "a copy" }},
		{"cannot be written", func(v *doc.ClusterView) { v.Log.Works = false }},
		{"1 of 3 copies", func(v *doc.ClusterView) { v.Log.Replicas = 1 }},
		{"files get", func(v *doc.ClusterView) { v.Copies.Due = 1 }},
	} {
		v := doc.ClusterView{Leader: "a", Log: doc.LogView{Replicas: 3, Want: 3, Works: true}, Members: []doc.Member{
			{Name: "cellar", State: doc.MemberActive, Up: true, Ready: true}, {Name: "attic", State: doc.MemberActive, Up: true, Ready: true},
		}}
		c.change(&v)
		if got := v.Unsettled(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
