"""The 3D viewer: panels described here are drawn by py3Dmol on one long-lived canvas.

Names are loaded on first use: set-up imports this package before its libraries exist.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.viewer.component import (
        Choice,
        Drag,
        Events,
        Frame,
        Grid,
        Live,
        Pick,
        Playback,
        View,
        show,
    )
    from app.viewer.follow import follower
    from app.viewer.scene import (
        BLUE,
        GREEN,
        GREY,
        ORANGE,
        PURPLE,
        SKY,
        VERMILLION,
        Arrows,
        Atoms,
        Coloured,
        Edges,
        Field,
        Lobes,
        Mesh,
        Panel,
        Particles,
        Path,
        Track,
        arrow_scale,
        magnifier,
    )

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "Arrows",
    "Atoms",
    "Choice",
    "Coloured",
    "Drag",
    "Edges",
    "Events",
    "Field",
    "Frame",
    "Grid",
    "Live",
    "Lobes",
    "Mesh",
    "Panel",
    "Particles",
    "Path",
    "Pick",
    "Playback",
    "Track",
    "View",
    "arrow_scale",
    "follower",
    "magnifier",
    "show",
]
_COMPONENT = {
    "Choice",
    "Drag",
    "Events",
    "Frame",
    "Grid",
    "Live",
    "Pick",
    "Playback",
    "View",
    "show",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'app.viewer' has no attribute {name!r}")
    if name == "follower":
        from app.viewer import follow as home
    elif name in _COMPONENT:
        from app.viewer import component as home
    else:
        from app.viewer import scene as home
    return getattr(home, name)
