package portal

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/catalog"
)

// AgreementAct is what is about to be done with an agreement.
type AgreementAct struct {
	Act      string              `json:"act"`      // approve, suspend, resume, end
	Approval *agreement.Approval `json:"approval"` // of approve; null: as asked for
}

// VersionChange is what is about to be set of a version; what is left out stays.
type VersionChange struct {
	Plan       string                  `json:"plan"`       // slug
	Traffic    json.RawMessage         `json:"traffic"`    // as PUT /versions/{id}/traffic takes it
	Operations map[string]catalog.Mark `json:"operations"` // marks, by slug
	Prepared   bool                    `json:"prepared"`   // in place of the others: what is prepared beside the version
}

// Effect is who would lose and who would gain what by a change, found out by
// the gateway's own decision over what would be in force.
type Effect struct {
	Rows         []EffectRow `json:"rows"`         // those that lose most first; at most 200
	Applications int         `json:"applications"` // that would lose something, in all
	MayLose      int         `json:"may_lose"`     // further applications that would lose something in part of their calls, or perhaps
	Gain         int         `json:"gain"`         // applications that would gain something and lose nothing
	Calls        int         `json:"calls"`        // of the last 30 days that would be refused now
	Since        time.Time   `json:"since"`        // from when calls are counted
	Anonymous    string      `json:"anonymous"`    // what becomes of callers of open operations who say nothing of themselves: "", loses, may-lose
	Rate         *RateChange `json:"rate"`         // of callers without an agreement; null: it stays
	Waits        bool        `json:"waits"`        // nothing changes before another person approves the same
}

// EffectRow is what becomes of the calls of an application to one operation.
type EffectRow struct {
	ApplicationID uuid.UUID `json:"application_id"`
	Application   string    `json:"application"` // its name, "" when it is deleted
	Owner         string    `json:"owner"`
	Operation     string    `json:"operation"` // slug
	What          string    `json:"what"`      // loses, loses-some (of its calls), may-lose, loses-fields, gains, gains-fields
	Code          string    `json:"code"`      // what the calls would be refused with, ""
	Calls         int       `json:"calls"`     // of the last 30 days that this is about
	Of            int       `json:"of"`        // of so many that it made
	Fields        []string  `json:"fields"`    // that are lost or gained
}

// RateChange is how many calls a minute callers without an agreement may make.
type RateChange struct {
	Was int `json:"was"`
	Is  int `json:"is"`
}

// Loses reports whether somebody would lose something, or might.
func (e Effect) Loses() bool {
	return e.Applications > 0 || e.MayLose > 0 || e.Anonymous != "" || e.Rate != nil && e.Rate.Is < e.Rate.Was
}
