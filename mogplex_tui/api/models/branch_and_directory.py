"""The base class of requests that name branches and a root directory.

Contract: v1.md §7.2 and §9, sandboxes.md §3.2.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Outbound


class WorkingTree(Outbound):
    """Base class of requests: the branches and the root directory to work in.

    A branch or directory that is None means the default of the repository. "" as the root directory
    means the root of the repository.
    """

    base_branch: Annotated[str | None, field_validators.branch()] = None
    working_branch: Annotated[str | None, field_validators.branch()] = None
    create_branch: bool = False
    root_directory: Annotated[str | None, field_validators.directory()] = None

    @model_validator(mode="after")
    def _check_new_branch(self) -> WorkingTree:
        if self.create_branch and self.working_branch and self.working_branch == self.base_branch:
            raise ValueError("A new branch must have another name than its base")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None.

        The root directory "" is sent as null.
        """
        body = self.model_dump(by_alias=True, exclude_none=True)
        if self.root_directory == "":
            body["rootDirectory"] = None
        return body
