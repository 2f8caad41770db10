package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lgsp/gateway"
	"lgsp/web"
)

// conditionsData is the data of the page "agency-conditions".
type conditionsData struct {
	versionPage
	Conditions []conditionRow
	For        []web.Option // accesses
	Names      []web.Option // operations
	Days       []web.Option
}

// conditionRow is a condition as a part of the form.
type conditionRow struct {
	Row int
	gateway.Condition
	From, Until string
	Days        []string
	Networks    string // one a line
}

// Name is the name of one of the row's fields in the form.
func (c conditionRow) Name(field string) string {
	return "conditions/" + strconv.Itoa(c.Row) + "/" + field
}

func newConditionRow(row int, set gateway.Condition) conditionRow {
	c := conditionRow{Row: row, Condition: set, Networks: strings.Join(set.Networks, "\n")}
	if set.Hours != nil {
		c.From, c.Until = set.Hours.From, set.Hours.Until
		for _, day := range set.Hours.Days {
			c.Days = append(c.Days, strconv.Itoa(day))
		}
	}
	return c
}

// conditionsForm answers GET …/{version}/conditions: when, from where and by
// whom the version's operations may be called, beside their agreements.
func (p *Portal) conditionsForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := conditionsData{versionPage: v}
	for _, access := range []string{"", gateway.Restricted, gateway.Personal} {
		if err := p.choice(r, &data.For, access, "conditions.for-"+access); err != nil {
			return page{}, err
		}
	}
	for day := 1; day <= 7; day++ {
		if err := p.choice(r, &data.Days, strconv.Itoa(day), "conditions.day-"+strconv.Itoa(day)); err != nil {
			return page{}, err
		}
	}
	data.Names = operationNames(r, v.Operations)
	for row := range min(len(v.Traffic.Conditions)+1, gateway.MaxConditions) {
		var set gateway.Condition
		if row < len(v.Traffic.Conditions) {
			set = v.Traffic.Conditions[row]
		}
		data.Conditions = append(data.Conditions, newConditionRow(row, set))
	}
	return page{Name: "agency-conditions", Data: data}, nil
}

// setConditions answers POST …/{version}/conditions: all of them anew.
func (p *Portal) setConditions(r *http.Request) (page, error) {
	var list []gateway.Condition
	var rows []int // of the form, by place in the list
	for row := range gateway.MaxConditions {
		if c, asks := readCondition(r, row); asks {
			list, rows = append(list, c), append(rows, row)
		}
	}
	if first, shown, err := p.conditionsEffectFirst(r, list); err != nil || shown {
		return first, err
	}
	answer, err := p.setTraffic(r, "conditions.saved", func(t *gateway.Traffic) { t.Conditions = list })
	if err != nil {
		inRows(err, rows)
		return again(r, p.conditionsForm, err)
	}
	return answer, nil
}

// readCondition reads a row of the form, and whether it asks for anything.
func readCondition(r *http.Request, row int) (gateway.Condition, bool) {
	at := conditionRow{Row: row}
	typed := func(field string) string { return strings.TrimSpace(r.PostFormValue(at.Name(field))) }
	ticked := func(field string) bool { return r.PostFormValue(at.Name(field)) == "yes" }
	c := gateway.Condition{Access: typed("access"), Operations: r.PostForm[at.Name("operations")],
		Networks: strings.Fields(r.PostFormValue(at.Name("networks"))), TwoFactors: ticked("two_factors"), Purpose: ticked("purpose")}
	if len(c.Operations) > 0 {
		c.Access = ""
	}
	days := r.PostForm[at.Name("hours/days")]
	if from, until := typed("hours/from"), typed("hours/until"); from != "" || until != "" || len(days) > 0 {
		c.Hours = &gateway.Hours{From: from, Until: until}
		for _, text := range days {
			if day, err := strconv.Atoi(text); err == nil {
				c.Hours.Days = append(c.Hours.Days, day)
			}
		}
		slices.Sort(c.Hours.Days)
	}
	asks := c.Hours != nil || len(c.Networks) > 0 || c.TwoFactors || c.Purpose
	return c, asks && !ticked("delete")
}
