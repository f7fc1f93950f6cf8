{{/* Templates change the objects that they are given in place: maps are shared. They print nothing, but for the image. */}}

{{- define "stowage.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* root: the top scope; object: a DaemonSet or a Deployment; values: `agent` or `server`. */}}
{{- define "stowage.intoWorkload" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $template := .object.spec.template -}}
{{- $pod := $template.spec -}}
{{- $container := first $pod.containers -}}
{{- $_ := set .object.metadata "namespace" $root.Release.Namespace -}}
{{- $_ := set $container "image" (include "stowage.image" $root) -}}
{{- $_ := set $container "imagePullPolicy" $root.Values.image.pullPolicy -}}
{{- $_ := set $pod "priorityClassName" $root.Values.priorityClass.name -}}
{{- with $root.Values.image.pullSecrets -}}{{- $_ := set $pod "imagePullSecrets" . -}}{{- end -}}
{{- with $values.extraArgs -}}{{- $_ := set $container "args" (concat ($container.args | default list) .) -}}{{- end -}}
{{- with $values.extraEnv -}}{{- $_ := set $container "env" (concat $container.env .) -}}{{- end -}}
{{- with $values.extraVolumeMounts -}}{{- $_ := set $container "volumeMounts" (concat $container.volumeMounts .) -}}{{- end -}}
{{- with $values.extraVolumes -}}{{- $_ := set $pod "volumes" (concat $pod.volumes .) -}}{{- end -}}
{{- with $values.resources -}}{{- $_ := set $container "resources" . -}}{{- end -}}
{{- if not (kindIs "invalid" $values.tolerations) -}}{{- $_ := set $pod "tolerations" $values.tolerations -}}{{- end -}}
{{- with $values.nodeSelector -}}{{- $_ := set $pod "nodeSelector" (merge (dict) . $pod.nodeSelector) -}}{{- end -}}
{{- with $values.affinity -}}{{- $_ := set $pod "affinity" . -}}{{- end -}}
{{- if not (kindIs "invalid" $values.terminationGracePeriodSeconds) -}}
{{- $_ := set $pod "terminationGracePeriodSeconds" (int $values.terminationGracePeriodSeconds) -}}
{{- end -}}
{{- with $values.podAnnotations -}}{{- $_ := set $template.metadata "annotations" (merge (dict) . $template.metadata.annotations) -}}{{- end -}}
{{/* The labels of the manifests win: Velero's server and the selectors go by them. */}}
{{- with $values.podLabels -}}{{- $_ := set $template.metadata "labels" (merge (dict) $template.metadata.labels .) -}}{{- end -}}
{{- end -}}

{{/* root: the top scope; object: one of the objects of a role; values: `agent` or `server`. */}}
{{- define "stowage.intoRole" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if .object.metadata.namespace -}}{{- $_ := set .object.metadata "namespace" $namespace -}}{{- end -}}
{{- range .object.subjects -}}{{- $_ := set . "namespace" $namespace -}}{{- end -}}
{{- if eq .object.kind "ServiceAccount" -}}
{{- with .values.serviceAccount.annotations -}}{{- $_ := set $.object.metadata "annotations" . -}}{{- end -}}
{{- end -}}
{{- end -}}
