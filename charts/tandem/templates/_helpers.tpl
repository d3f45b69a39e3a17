{{/* The name of everything that this release makes. */}}
{{- define "tandem.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tandem.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* commonLabels cannot take the place of those that select. */}}
{{- define "tandem.labels" -}}
{{- $own := include "tandem.selector" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version) -}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{/* Metadata but for the name: (dict "root" $ "labels" {} "annotations" {} "namespace" "") */}}
{{- define "tandem.metadata" -}}
{{- if .namespace -}}
namespace: {{ .namespace }}
{{ end -}}
labels: {{- merge (include "tandem.labels" .root | fromYaml) (default dict .labels) | toYaml | nindent 2 }}
{{- with merge (deepCopy (default dict .annotations)) .root.Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of an object in the release's namespace that is named as the release is. */}}
{{- define "tandem.ownMetadata" -}}
name: {{ include "tandem.fullname" . }}
{{ include "tandem.metadata" (dict "root" . "namespace" .Release.Namespace) | trim }}
{{- end -}}

{{- define "tandem.serviceAccountName" -}}
{{- default (include "tandem.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The proxy as the variables that libraries read, in both spellings; nothing where unset. */}}
{{- define "tandem.proxy" -}}
{{- $found := dict -}}
{{- with .Values.proxy -}}
{{- $any := or .http .https -}}
{{- range $name, $value := dict "HTTP_PROXY" .http "HTTPS_PROXY" .https "NO_PROXY" (ternary (default "localhost" .noProxy) "" (not (empty $any))) -}}
{{- if $value -}}
{{- $_ := set $found $name $value -}}
{{- $_ := set $found (lower $name) $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* repository:tag, or repository@digest where a digest is given. */}}
{{- define "tandem.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* Of what belongs to no namespace: releases of one name in two namespaces must not share it. */}}
{{- define "tandem.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "tandem.fullname" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Rules for what the operator may do with the resources of a namespace. */}}
{{- define "tandem.rules" -}}
- apiGroups: [tandem.dev]
  resources: [speculativedeployments]
  verbs: [list, watch]
- apiGroups: [tandem.dev]
  resources: [speculativedeployments/status]
  verbs: [patch]
# Children block the deletion of their owner; some clusters ask for this right before they may.
- apiGroups: [tandem.dev]
  resources: [speculativedeployments/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [leaderworkerset.x-k8s.io]
  resources: [leaderworkersets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, create, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps]
  verbs: [get, list, watch, create, patch, delete]
# Pods are watched, and engine pods are annotated so that the kubelet refreshes their table.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [apps]
  resources: [replicasets, statefulsets]
  verbs: [list, watch]
# Read too: a Job whose pods are refused says so nowhere else.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list, patch]
{{- end -}}
