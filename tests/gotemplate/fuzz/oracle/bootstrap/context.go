// Package bootstrap has the types that profiles are rendered with. Go prints their full names, so the package has to be
// called what the platform calls it.
package bootstrap

type (
	// RenderContext is what dot stands for at the top of a template.
	RenderContext struct {
		Device   DeviceContext
		Vars     map[string]any
		Bindings map[string]BindingContext
	}
	// DeviceContext says which device a template is rendered for.
	DeviceContext struct{ ID, ExternalID, DomainID string }
	// BindingContext is one bound resource.
	BindingContext struct {
		Type, ID         string
		Snapshot, Secret map[string]any
	}
)
