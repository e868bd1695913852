#!/usr/bin/env bash
# Commit a generated project on top of a branch of origin, where it differs from the last commit there.
#
# demonstrate.sh PROJECT BRANCH
#
# The branch has a history of its own: each commit shows the effect of a change of the template on the output.
set -euo pipefail
project=$1 branch=$2

index=$(mktemp -d)
trap 'rm -r "$index"' EXIT
export GIT_INDEX_FILE=$index/index
git --work-tree="$project" add --all .
tree=$(git write-tree)

parent=()
if [ -n "$(git ls-remote origin "refs/heads/$branch")" ]; then
    git fetch --quiet --depth=1 origin "refs/heads/$branch"
    parent=(-p "$(git rev-parse FETCH_HEAD)")
    if [ "$(git rev-parse "FETCH_HEAD^{tree}")" = "$tree" ]; then
        echo "$branch is up to date."
        exit 0
    fi
fi
message="Generate from $(git rev-parse --short HEAD): $(git log -1 --format=%s)"
commit=$(git commit-tree "$tree" "${parent[@]}" -m "$message")
git push --quiet origin "$commit:refs/heads/$branch"
echo "$branch: $message"
