"""Parts of an answer that the host draws: its functions, their arguments, and their results."""

from .calling import check_parts
from .drawings import Drawer, Drawings
from .models import FENCE, Drawing, DrawPart, Order, PartContext

__all__ = ["FENCE", "DrawPart", "Drawer", "Drawing", "Drawings", "Order", "PartContext", "check_parts"]
