# The Job of docs/many-machines.md, in place of those who read it in a cluster.
#
#   job.py types FILE        a TypeScript program on standard output that compiles when the API's types allow the
#                            file's objects, and do not allow what is wrong with some others
#   job.py rules FILE        fails where a rule of the API is broken that no type tells
#   job.py pod FILE INDEX    the pod that the Job's controller makes for an index, as YAML
#
# An object literal with a key that its type does not have is an error of TypeScript; so unknown keys are refused, which
# a JSON schema without additionalProperties lets through.
import copy
import json
import sys

import yaml

INDEX = 'batch.kubernetes.io/job-completion-index'


def changed(job, path, value):
    """A copy of the job in which the key at the end of the path has that value, or is named so."""
    other = copy.deepcopy(job)
    at = other
    for key in path[:-1]:
        at = at[key]
    if callable(value):
        at[value(path[-1])] = at.pop(path[-1])
    else:
        at[path[-1]] = value
    return other


def types(volume, job):
    print('import type { IJob } from "kubernetes-models/batch/v1";')
    print('import type { IPersistentVolumeClaim } from "kubernetes-models/v1";')
    print('export const volume: IPersistentVolumeClaim =', json.dumps(volume) + ';')
    print('export const job: IJob =', json.dumps(job) + ';')
    pod = ['spec', 'template', 'spec']
    rule = ['spec', 'podFailurePolicy', 'rules', 1]
    wrong = [changed(job, path, str.lower) for path in (
        ['spec', 'completionMode'], ['spec', 'backoffLimitPerIndex'], ['spec', 'podFailurePolicy'],
        rule + ['onExitCodes'], rule + ['onExitCodes', 'containerName'], pod + ['hostNetwork'],
        pod + ['terminationGracePeriodSeconds'], pod + ['affinity', 'podAntiAffinity'],
        pod + ['containers', 0, 'workingDir'], pod + ['containers', 0, 'securityContext', 'readOnlyRootFilesystem'],
        pod + ['containers', 0, 'volumeMounts', 0, 'mountPath'],
        pod + ['volumes', 0, 'persistentVolumeClaim', 'claimName'])]
    wrong += [changed(job, path, value) for path, value in (
        (['kind'], 'job'), (['spec', 'completionMode'], 'indexed'), (['spec', 'completions'], '24'),
        (rule + ['action'], 'Retry'), (rule + ['onExitCodes', 'values'], ['75']), (pod + ['restartPolicy'], 'No'),
        (pod + ['containers', 0, 'env', 0, 'value'], 24))]
    for number, other in enumerate(wrong):
        print('// @ts-expect-error')
        print(f'export const wrong{number}: IJob =', json.dumps(other) + ';')


def rules(volume, job):
    spec, pod = job['spec'], job['spec']['template']['spec']
    container, = pod['containers']
    policy = spec['podFailurePolicy']['rules']
    assert pod['restartPolicy'] == 'Never', 'podFailurePolicy and backoffLimitPerIndex need it'
    assert spec['completionMode'] == 'Indexed', 'backoffLimitPerIndex needs it'
    assert all(('onExitCodes' in rule) != ('onPodConditions' in rule) for rule in policy), 'a rule is of one kind'
    for codes in (rule['onExitCodes'] for rule in policy if 'onExitCodes' in rule):
        assert codes['values'] == sorted(set(codes['values'])), 'ascending, each once'
        assert 0 not in codes['values'] and codes['operator'] == 'In', '0 is no failure'
        assert codes['containerName'] == container['name']
    labels = job['spec']['template']['metadata']['labels']
    anti, = pod['affinity']['podAntiAffinity']['requiredDuringSchedulingIgnoredDuringExecution']
    assert anti['labelSelector']['matchLabels'].items() <= labels.items(), 'a pod keeps its like away'
    assert {mount['name'] for mount in container['volumeMounts']} == {each['name'] for each in pod['volumes']}
    assert pod['volumes'][0]['persistentVolumeClaim']['claimName'] == volume['metadata']['name']
    assert {each['name']: each['value'] for each in container['env']}['ECHOSCAN_SHARDS'] == str(spec['completions'])


def pod(job, index):
    template = job['spec']['template']
    name = job['metadata']['name']
    # Kubernetes leaves pods unconfined unless told otherwise; podman does not.
    template['metadata'] |= {'name': f'{name}-{index}', 'annotations': {
        INDEX: index, 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined'}}
    template['metadata']['labels'] |= {INDEX: index}
    for container in template['spec']['containers']:
        container['env'].append({'name': 'JOB_COMPLETION_INDEX', 'valueFrom': {
            'fieldRef': {'fieldPath': f"metadata.annotations['{INDEX}']"}}})
    print(yaml.safe_dump({'apiVersion': 'v1', 'kind': 'Pod'} | template))


documents = list(yaml.safe_load_all(open(sys.argv[2])))
if sys.argv[1] == 'pod':
    pod(documents[1], sys.argv[3])
else:
    {'types': types, 'rules': rules}[sys.argv[1]](*documents)
