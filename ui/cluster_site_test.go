package ui_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/doc"
)

// cluster is a cluster kept in memory; it refuses to remove a machine that is
// down without force, and keeps what it was asked for.
type cluster struct{ *site }

func (s cluster) View(context.Context) (doc.ClusterView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.members
	v.Members = slices.Clone(v.Members)
	return v, nil
}

func (s cluster) ask(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
}

func (s cluster) Token(_ context.Context, ttl time.Duration, by string) (doc.JoinToken, error) {
	s.ask("token %s by %s", ttl, by)
	const token = "rct1.3b5f0c8e9a417d26f0b1a7c4e95d8832aa10b6d7e4f3c2918075d6e4b3a29f1c.qm4VxT0sQpW1nZr8bYhUeKcA"
	return doc.JoinToken{Token: token, Expires: time.Now().Add(ttl), Command: "recto up --join 10.0.0.5:8421 --token " + token}, nil
}

func (s cluster) Drain(_ context.Context, member string, on bool, by string) error {
	s.ask("drain %s %v by %s", member, on, by)
	s.change(func(v *doc.ClusterView) {
		for i := range v.Members {
			if v.Members[i].ID == member {
				v.Members[i].State = doc.MemberActive
				if on {
					v.Members[i].State = doc.MemberDraining
				}
			}
		}
	})
	return nil
}

func (s cluster) Remove(_ context.Context, member string, o api.RemoveOptions) error {
	s.ask("remove %s force %v by %s", member, o.Force, o.By)
	for _, m := range s.site.members.Members {
		if m.ID == member && !m.Up && !o.Force {
			return doc.Errorf(doc.Conflict, "12 documents have their only copy on attic: start it, or give them up")
		}
	}
	s.change(func(v *doc.ClusterView) {
		v.Members = slices.DeleteFunc(v.Members, func(m doc.Member) bool { return m.ID == member })
	})
	return nil
}

func (s cluster) Finalise(_ context.Context, by string) error {
	s.ask("finalise by %s", by)
	s.change(func(v *doc.ClusterView) { v.Level = v.LevelUp })
	return nil
}

// change changes the cluster under its lock.
func (s *site) change(f func(*doc.ClusterView)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members.Members = slices.Clone(s.members.Members)
	f(&s.members)
}

func (s cluster) Standing() doc.MemberState { return doc.MemberActive }

func (s cluster) Alarms() []doc.Alarm {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.members.Alarms)
}

func (s cluster) Position() doc.Position                    { return doc.Position{Log: 312, Control: 40} }
func (s cluster) Reach(context.Context, doc.Position) error { return nil }

func machine(id, name string) doc.Member {
	now := time.Now()
	return doc.Member{
		ID: id, Name: name, State: doc.MemberActive, Role: "voter", Up: true, Ready: true, Since: now.Add(-90 * time.Hour), SeenAt: now, Version: "0.4.0",
		Peer: "10.0.0.7:8421", Skills: []string{"ocr"}, Workers: 4, Busy: 1, DiskUsed: 59e9, DiskFree: 41e9, CertUntil: now.Add(1700 * time.Hour), LogCopy: true, LogSeq: 312, IndexSeq: 312,
	}
}

// alone is a cluster of one.
func alone() doc.ClusterView {
	m := machine("n1", "cellar.example")
	m.Role = "leader"
	return doc.ClusterView{
		ID: "c7f3kq2mznbv1", Self: "n1", Leader: "n1", Epoch: 1, Level: 1, LevelUp: 1, Members: []doc.Member{m},
		Log: doc.LogView{Replicas: 1, Want: 1, Leader: "n1", LastSeq: 312, Works: true}, Copies: doc.CopiesView{Kind: "files", Want: 1, Checked: 41},
		Goal: "One machine that holds everything.", Advice: "One machine: if its disk fails, what it holds is lost.",
	}
}

// troubled is a cluster of n machines in which much goes on at once.
func troubled(n int) doc.ClusterView {
	v := alone()
	v.Goal = fmt.Sprintf("%d active machines, the log on three of them, three copies of every file.", n)
	v.Advice = "attic is away: as long as it is, no other machine may fail."
	v.Log.Replicas, v.Log.Want, v.Copies.Want, v.Copies.Due, v.Copies.Healed, v.Copies.Round = 3, 3, 3, 128, 1, time.Now().Add(-3*time.Hour)
	v.LevelUp = 2
	for i, name := range []string{"attic", "warehouse-scanner-room-7.branch.example", "annex", "shed"}[:n-1] {
		v.Members = append(v.Members, machine(fmt.Sprintf("n%d", i+2), name))
	}
	attic, annex := &v.Members[1], &v.Members[2]
	attic.Up, attic.Ready, attic.SeenAt, attic.LogBehind, attic.CopiesDue = false, false, time.Now().Add(-7*time.Minute), 41, 128
	annex.State, annex.DiskUsed, annex.DiskFree, annex.ClockSkew, annex.Missing, annex.Ready = doc.MemberDraining, 91e9, 9e9, -4.2, []string{"models"}, false
	gone := machine("n9", "barn")
	gone.State = doc.MemberRemoved
	v.Members = append(v.Members, gone)
	v.Steps = []doc.ClusterStep{{Text: "Bringing missing copies to cellar", Done: 0.42}, {Text: "Waiting for attic", Done: -1, Error: "attic does not answer: switch it on, or remove it"}}
	v.Alarms = []doc.Alarm{
		{Severity: "warn", Code: "disk", Member: "n3", Text: "The disk is 91 % full: make room, or give the machine a larger one."},
		{Severity: "critical", Code: "no_margin", Member: "n2", Text: "attic has not answered for 7 minutes. Switch it on, or replace it: until then a second failure stops the appliance."},
	}
	return v
}
