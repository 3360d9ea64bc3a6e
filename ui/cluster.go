package ui

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Cluster is the page of the machines that are one appliance.
type Cluster struct {
	Frame
	ID             string
	Alarms         []Alarm
	Advice, Goal   string // sentences of the node
	Steps          []Step
	Members        []Member // that belong to it
	Removed        []Member // that are kept out
	Log            LogState
	Copies         CopiesState
	Level, LevelUp int // of features: in use, and possible
}

// Alarm is something to do something about.
type Alarm struct {
	Critical     bool
	Member, Text string
}

// Step is one thing that is being done to the cluster.
type Step struct {
	Text, Error string
	Done        float64 // 0..1; negative: not known
}

// LogState is how the document log is kept.
type LogState struct {
	Replicas, Want int
	Leader         string // name of the member
	Works          bool
	LastSeq        uint64
}

// CopiesState is how originals and records are kept.
type CopiesState struct {
	Kind            string
	Want, Due       int
	Checked, Healed int64
	Round           time.Time
}

// Member is one machine.
type Member struct {
	ID, Name, State, Role string
	Self, Up, Ready       bool
	Since, SeenAt         time.Time
	Peer, Version         string
	Missing, Skills       []string
	Workers, Busy         int
	DiskUsed, DiskFree    int64
	Skew                  float64 // seconds
	CertUntil             time.Time
	LogCopy               bool // holds a replica of the log
	LogSeq, LogBehind     uint64
	IndexSeq, IndexBehind uint64
	CopiesDue             int
	Note                  string
}

// Alone says that there is one machine only.
func (c Cluster) Alone() bool { return len(c.Members) == 1 }

// Upgradable says that an upgrade waits to be finalised.
func (c Cluster) Upgradable() bool { return c.LevelUp > c.Level }

// Mood sums up the cluster in a word: bad, busy, warn, good.
func (c Cluster) Mood() string {
	mood := "good"
	for _, a := range c.Alarms {
		if a.Critical {
			return "bad"
		}
		mood = "warn"
	}
	if len(c.Steps) > 0 {
		return "busy"
	}
	return mood
}

// Mood sums up a machine in a word: bad, busy, warn, good.
func (m Member) Mood() string {
	switch {
	case !m.Up:
		return "bad"
	case m.State == "joining" || m.State == "leaving":
		return "busy"
	case m.State != "active" || !m.Ready:
		return "warn"
	}
	return "good"
}

// Word is what its badge says: its state, or that it is up or down.
func (m Member) Word() string {
	switch {
	case !m.Up:
		return "down"
	case m.State != "active":
		return m.State
	case !m.Ready:
		return "not_ready"
	}
	return "up"
}

// Disk is how full its disk is, 0..1; negative: not known.
func (m Member) Disk() float64 {
	if m.DiskUsed+m.DiskFree <= 0 {
		return -1
	}
	return float64(m.DiskUsed) / float64(m.DiskUsed+m.DiskFree)
}

// DiskSize is the size of its disk in bytes.
func (m Member) DiskSize() int64 { return m.DiskUsed + m.DiskFree }

// DiskMood says how pressing that is.
func (m Member) DiskMood() string {
	switch d := m.Disk(); {
	case d > 0.95:
		return "low"
	case d > 0.85:
		return "mid"
	}
	return "high"
}

// Slots are its workers, true for those at work; none when there are too many to
// draw.
func (m Member) Slots() []bool {
	if m.Workers > 24 {
		return nil
	}
	out := make([]bool, m.Workers)
	for i := range out {
		out[i] = i < m.Busy
	}
	return out
}

// Clock is how far its clock is off, "" when that does not matter.
func (m Member) Clock() string {
	if math.Abs(m.Skew) < 0.5 {
		return ""
	}
	return fmt.Sprintf("%+.1f\u202fs", m.Skew)
}

// Picture is the machines as a drawing, with empty places where machines are
// lacking until any one may fail.
type Picture struct {
	Width, Height int
	Places        []Place
	Lines         []Line
}

// Place is one machine in the drawing, or room for one.
type Place struct {
	X, Y   int // of its middle
	Mood   string
	Name   string // short enough to stand below it
	Leader bool
	Self   bool
	Empty  bool
}

// Line joins two machines; Broken when one of them does not answer.
type Line struct {
	X1, Y1, X2, Y2 int
	Broken         bool
}

const (
	pictureWidth = 360
	enough       = 3  // machines of which any one may fail
	longestName  = 13 // letters below a machine
)

// Picture draws the machines around a table, the first at its head.
func (c Cluster) Picture() Picture {
	const wide, high, above, below = 126, 62, 40, 46 // from the middle, and room for crown and name
	p := Picture{Width: pictureWidth}
	n := max(enough, len(c.Members))
	for i := range n {
		at := -math.Pi/2 + 2*math.Pi*float64(i)/float64(n)
		place := Place{X: pictureWidth/2 + int(math.Round(wide*math.Cos(at))), Y: above + high + int(math.Round(high*math.Sin(at))), Empty: true, Mood: "none"}
		if i < len(c.Members) {
			m := c.Members[i]
			place.Empty, place.Mood, place.Name, place.Self, place.Leader = false, m.Mood(), shortName(m.Name), m.Self, m.Role == "leader"
		}
		p.Height = max(p.Height, place.Y+below)
		p.Places = append(p.Places, place)
	}
	for i, a := range c.Members {
		for j := range i {
			from, to := p.Places[i], p.Places[j]
			p.Lines = append(p.Lines, Line{from.X, from.Y, to.X, to.Y, !a.Up || !c.Members[j].Up})
		}
	}
	return p
}

// shortName is the first part of a host name, clipped.
func shortName(name string) string {
	if host, _, ok := strings.Cut(name, "."); ok && host != "" {
		name = host
	}
	if r := []rune(name); len(r) > longestName {
		return string(r[:longestName-1]) + "…"
	}
	return name
}

// Invite is the page that adds a machine: what to run on it, shown once.
type Invite struct {
	Frame
	Command string // empty: not made yet
	Expires time.Time
	Error   string // why it was not made
}

// Confirm asks before something that cannot be taken back.
type Confirm struct {
	Frame
	What   string // remove or finalise
	Name   string // of the member
	Self   bool   // it is the one that shows this page
	Down   bool   // it does not answer
	Left   int    // members that stay
	Level  int    // of features that would be in use
	Force  bool   // what only it holds is to be given up
	Action string // path that the form goes to
	Error  string // why it was not done
}
