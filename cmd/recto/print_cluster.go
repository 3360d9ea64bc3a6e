package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// printCluster prints the members, what is wrong, and what is being done.
func printCluster(out io.Writer, v doc.ClusterView) error {
	names := map[string]string{}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tROLE\tUP\tVERSION\tDISK\tWORK\tLOG\tADDRESS\tID\t")
	gone := 0
	for _, m := range v.Members {
		names[m.ID] = m.Name
		if m.State == doc.MemberRemoved {
			gone++
			continue
		}
		name := m.Name
		if m.ID == v.Self {
			name += " *"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, m.State, m.Role, upText(m), m.Version, diskText(m), workText(m), logText(m), m.Peer, m.ID)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range v.Members {
		if m.State != doc.MemberRemoved {
			printMember(out, m)
		}
	}
	fmt.Fprintln(out)
	for _, a := range v.Alarms {
		who := a.Member
		if name, ok := names[who]; ok {
			who = name
		}
		if who != "" {
			who = " " + who
		}
		fmt.Fprintf(out, "%s%s: %s\n", a.Severity, who, a.Text)
	}
	fmt.Fprintf(out, "log: %d of %d copies, %s\n", v.Log.Replicas, v.Log.Want, map[bool]string{true: "written a moment ago", false: "CANNOT BE WRITTEN"}[v.Log.Works])
	if v.Copies.Kind == "files" {
		fmt.Fprintf(out, "files: copies wanted of each %d, due %d, damaged and healed %d\n", v.Copies.Want, v.Copies.Due, v.Copies.Healed)
	}
	if gone > 0 {
		fmt.Fprintf(out, "%s removed earlier and kept out\n", plural(gone, "member"))
	}
	if v.LevelUp > v.Level {
		fmt.Fprintln(out, "an upgrade waits: recto upgrade finalise puts its features into use, for good")
	}
	for _, text := range []string{v.Goal, v.Advice} {
		if text != "" {
			fmt.Fprintln(out, text)
		}
	}
	for _, step := range v.Steps {
		fmt.Fprintf(out, "  %s%s\n", step.Text, stepText(step))
	}
	return nil
}

// printMember prints what does not fit the table and somebody should know.
func printMember(out io.Writer, m doc.Member) {
	for _, missing := range m.Missing {
		fmt.Fprintf(out, "  %s is not ready: %s\n", m.Name, missing)
	}
	if math.Abs(m.ClockSkew) >= 0.5 {
		fmt.Fprintf(out, "  %s: its clock is off by %+.1f s\n", m.Name, m.ClockSkew)
	}
	if m.Note != "" {
		fmt.Fprintf(out, "  %s: %s\n", m.Name, m.Note)
	}
}

func stepText(s doc.ClusterStep) string {
	switch {
	case s.Error != "":
		return ": " + s.Error
	case s.Done >= 0:
		return fmt.Sprintf(" (%.0f %%)", s.Done*100)
	}
	return ""
}

func upText(m doc.Member) string {
	switch {
	case m.Up && m.Ready && m.Behind != "":
		return "catching up"
	case m.Up && m.Ready:
		return "up"
	case m.Up:
		return "not ready"
	case m.SeenAt.IsZero():
		return "down"
	}
	return "down since " + m.SeenAt.Local().Format(time.DateTime)
}

func diskText(m doc.Member) string {
	if m.DiskUsed+m.DiskFree <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%% of %.0f GB", 100*float64(m.DiskUsed)/float64(m.DiskUsed+m.DiskFree), float64(m.DiskUsed+m.DiskFree)/1e9)
}

func workText(m doc.Member) string {
	if !m.Up {
		return "-"
	}
	return fmt.Sprintf("%d/%d", m.Busy, m.Workers)
}

func logText(m doc.Member) string {
	switch {
	case m.LogBehind > 0:
		return fmt.Sprintf("%d behind", m.LogBehind)
	case !m.Up:
		return "-"
	case m.LogCopy:
		return "whole"
	}
	return "none"
}
