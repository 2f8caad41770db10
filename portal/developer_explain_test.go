package portal

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

// TestImaginedCallSaysItsParameters: the page asks about what the form says
// once the path is whole, about the sandbox where there is one, and about no
// parameter that the operation has not.
func TestImaginedCallSaysItsParameters(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	var asked ImaginedCall
	w.ExplainCall = func(_ context.Context, call ImaginedCall) (CallExplanation, error) {
		asked = call
		bound := gateway.ParameterBound{In: "query", Name: "nam", Values: []string{"2026"}}
		refusal := problem.Errorf(problem.Forbidden, "x").Coded("parameter-not-agreed", "parameter", "nam", "agreed", "2026").Wrong("query/nam", "check-type", "")
		return CallExplanation{Operation: "thong-ke-nguoi-co-cong", Asked: call.Parameters != nil, Code: refusal.Code, Problem: refusal, Bound: &bound,
			Bounds: &gateway.Bounds{Parameters: []gateway.ParameterBound{bound}}, Change: []string{"widen-bounds"}}, nil
	}
	at := "/explain?application=" + w.app.ID.String() + "&version=" + w.version.ID.String() + "&operation=chi-tra-nguoi-co-cong&credential=" + policy.APIKey
	w.sees(t, at, 200, "Giá trị của tham số chưa được xét", `name="path:soDinhDanh"`, `name="query:nam"`, "Đã thoả thuận: 2026", "Thoả thuận chỉ cho nam là: 2026",
		"lời gọi tới một thao tác khác: Thống kê", "query/nam: ", w.href+"/request?application=")
	if asked.Parameters != nil || asked.Sandbox {
		t.Errorf("nothing was said: asked %+v", asked)
	}
	w.sees(t, at+"&said=yes&query:nam=2025", 200, "đường dẫn còn thiếu soDinhDanh", `value="2025"`)
	if asked.Parameters != nil {
		t.Errorf("the path is not whole: asked %+v", asked)
	}
	body := w.sees(t, at+"&said=yes&query:nam=2025&path:soDinhDanh=000&query:khac=1&dossier=H48-1&purpose=thu-tuc&sandbox=yes", 200)
	want := []gateway.Parameter{{In: "path", Name: "soDinhDanh", Value: "000"}, {In: "query", Name: "nam", Value: "2025"}}
	if !reflect.DeepEqual(asked.Parameters, want) || asked.Dossier != "H48-1" || asked.Purpose != "thu-tuc" || asked.Sandbox {
		t.Errorf("asked %+v", asked)
	}
	if strings.Contains(body, `name="sandbox"`) {
		t.Error("a sandbox is offered that is not open")
	}
	w.Catalog.ExposeSandbox = w.Catalog.Expose
	if _, err := w.Catalog.OpenSandbox(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, w.version.ID); err != nil {
		t.Fatal(err)
	}
	w.sees(t, at+"&said=yes&path:soDinhDanh=000&sandbox=yes", 200, `name="sandbox" value="yes" checked`)
	if !asked.Sandbox {
		t.Errorf("asked %+v", asked)
	}
}
