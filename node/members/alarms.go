package members

import (
	"fmt"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of what is well.
const (
	diskFull  = 0.85 // share of the disk in use
	clockOff  = 5.0  // seconds
	certSoon  = 14 * 24 * time.Hour
	logBehind = 1000 // messages, of a member that is up
)

// Severities of an alarm.
const (
	warn     = "warn"
	critical = "critical"
)

// Advice says in a sentence or two what the members that stay protect, of whom
// some may be away.
func Advice(all []doc.Member) string {
	n, away := 0, []string{}
	for _, m := range all {
		if counts(m.State) {
			n++
			if !m.Up {
				away = append(away, m.Name)
			}
		}
	}
	switch {
	case n > 1 && len(away) > (n-1)/2:
		return "Too few members are up: see the alarms."
	case n > 1 && len(away) == (n-1)/2 && len(away) > 0:
		return fmt.Sprintf("No other member may fail as long as this is away: %s.", strings.Join(away, ", "))
	case len(away) > 0:
		return fmt.Sprintf("One more member may fail as long as this is away: %s.", strings.Join(away, ", "))
	case n <= 1:
		return "One member: documents survive a restart and a crash, not the loss of this machine's disk. Add two more machines and any one of them may fail."
	case n == 2:
		return "Two members: every document is on two disks, but neither member takes documents without the other. Add a third and any one of them may fail."
	case n == 4:
		return "Four members: any one may fail, as with three. A fifth would let any two fail."
	case n < 5:
		return "Three members: any one of them may fail, and nothing stops or is lost."
	}
	return fmt.Sprintf("%d members: any two of them may fail, one after the other, and nothing is lost.", n)
}

// Alarms gives what an admin should know, the worst first.
func Alarms(v doc.ClusterView) []doc.Alarm {
	var bad, worth []doc.Alarm
	add := func(severity, code, member, text string, args ...any) {
		a := doc.Alarm{Severity: severity, Code: code, Member: member, Text: fmt.Sprintf(text, args...)}
		if severity == critical {
			bad = append(bad, a)
		} else {
			worth = append(worth, a)
		}
	}
	stay, up := 0, 0
	for _, m := range v.Members {
		if counts(m.State) {
			stay++
			if m.Up {
				up++
			}
		}
		if m.State != doc.MemberRemoved {
			memberAlarms(m, v, add)
		}
	}
	switch {
	case v.Leader == "" && up*2 > stay:
		add(warn, "no_leader", "", "The members choose who leads. If that lasts for more than a minute, look whether they reach each other on the ports between them.")
	case v.Leader == "" || up*2 <= stay:
		add(critical, "no_quorum", "", "%d of %s answer: settings cannot be changed and results wait. Start the others; if they are gone for good, see recto recover.", up, count(stay, "member"))
	case stay >= 3 && (up-1)*2 <= stay:
		add(critical, "no_margin", "", "%d of %s answer: one more failure stops the cluster. Start the missing one, or replace it.", up, count(stay, "member"))
	}
	if stay >= 3 && v.Log.Replicas > 0 && v.Log.Replicas < v.Log.Want {
		add(warn, "copies", "", "The document log has %d of %s.", v.Log.Replicas, copies(v.Log.Want))
	}
	if v.Copies.Damaged > 0 {
		add(critical, "damaged", "", "%d originals or records are damaged and no good copy was found: restore them from a backup, or deliver the files again.", v.Copies.Damaged)
	}
	if v.Copies.Away != "" {
		add(warn, "bucket", "", "The bucket cannot be used (%s): %d objects wait on the members' disks until it can.", v.Copies.Away, v.Copies.Waiting)
	}
	return append(append([]doc.Alarm{}, bad...), worth...)
}

func memberAlarms(m doc.Member, v doc.ClusterView, add func(severity, code, member, text string, args ...any)) {
	if !m.Up {
		if m.State != doc.MemberJoining {
			add(warn, "member_down", m.ID, "%s has not answered since %s: start it; if it will not come back, add a new machine and remove this one.", m.Name, m.SeenAt.UTC().Format("2006-01-02 15:04 UTC"))
		}
		return
	}
	if all := m.DiskUsed + m.DiskFree; all > 0 && float64(m.DiskUsed) > diskFull*float64(all) {
		add(warn, "disk", m.ID, "The disk of %s is %.0f %% full: make room, or give it a larger one.", m.Name, 100*float64(m.DiskUsed)/float64(all))
	}
	if m.ClockSkew > clockOff || m.ClockSkew < -clockOff {
		add(warn, "clock", m.ID, "The clock of %s differs by %.0f seconds: let both take their time from the same server (NTP).", m.Name, m.ClockSkew)
	}
	if !m.CertUntil.IsZero() && m.CertUntil.Sub(v.At) < certSoon {
		add(warn, "certificate", m.ID, "The certificate of %s ends on %s and should have been renewed by itself: see its log, or restart it.", m.Name, m.CertUntil.UTC().Format("2006-01-02"))
	}
	if m.LogCopy && m.LogBehind > logBehind {
		add(warn, "replica_behind", m.ID, "The copy of the document log on %s is %d messages behind.", m.Name, m.LogBehind)
	}
	if m.Levels[1] < v.Level || m.Levels[0] > v.Level {
		add(critical, "version", m.ID, "%s runs version %s, which cannot work with this cluster: install the version of the others.", m.Name, m.Version)
	}
	if len(m.Missing) > 0 {
		add(warn, "not_ready", m.ID, "%s is not ready: %s", m.Name, m.Missing[0])
	}
}
